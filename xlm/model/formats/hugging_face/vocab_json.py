"""Our vocabulary as Hugging Face's `vocab.json`, and back (spec 6.2).

Hugging Face marks subwords that end a word, we mark those that do not: our `token` is `token</w>`
there, and our `token@@` is `token`. The bare `@@` is the empty string.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from xlm.bpe.vocabulary import CONTINUATION_MARKER, NUM_SPECIAL_TOKENS, Vocabulary
from xlm.errors import DataError
from xlm.model.formats.source_files import VOCAB_JSON_FILE, read_json

_END = "</w>"


def huggingface_vocabulary(tokens: Sequence[str]) -> dict[str, int]:
    """The id of each token, by transformers' spelling of the token.

    Two tokens can have one spelling (`x` and a literal `x</w>@@`, `<unk>` and `<unk>@@`): the lower
    id, which is more frequent, keeps it, and the other token is omitted.
    """
    ids: dict[str, int] = {}
    for number, token in enumerate(tokens):
        spelling = token
        if number >= NUM_SPECIAL_TOKENS:
            continued = token.endswith(CONTINUATION_MARKER)
            spelling = token.removesuffix(CONTINUATION_MARKER) if continued else f"{token}{_END}"
        ids.setdefault(spelling, number)
    return ids


def write_vocab_json(folder: Path, tokens: Sequence[str]) -> None:
    """Write `vocab.json`."""
    text = json.dumps(huggingface_vocabulary(tokens), indent=1, ensure_ascii=False) + "\n"
    (folder / VOCAB_JSON_FILE).write_bytes(text.encode())


def read_vocab_json(path: Path) -> Vocabulary:
    """Read a `vocab.json`; the file has no counts, so all counts are 0.

    Raises:
        DataError: the ids are not 0, 1, 2, ..., one per token.
    """
    ids = read_json(path)
    used = {number for number in ids.values() if isinstance(number, int)}
    unused = [number for number in range(len(ids)) if number not in used]
    if unused:
        raise DataError(
            f"{path}: no token has id {unused[0]} (tokens: {len(ids)})",
            fix="use the vocabulary that the model was trained with",
        )
    tokens = _tokens(ids)
    return Vocabulary(tokens, (0,) * len(tokens))


def _tokens(ids: Mapping[str, int]) -> tuple[str, ...]:
    tokens = [""] * len(ids)
    for spelling, number in ids.items():
        if number < NUM_SPECIAL_TOKENS:
            tokens[number] = spelling
        else:
            if spelling.endswith(_END):
                tokens[number] = spelling.removesuffix(_END)
            else:
                tokens[number] = f"{spelling}{CONTINUATION_MARKER}"
    return tuple(tokens)
