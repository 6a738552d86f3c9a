"""Our tokens as Hugging Face's pieces in `vocab.json`, and back (spec 6.2).

Theirs mark ends of words where ours mark their absence: `token` is `token</w>` there and `token@@`
is `token`, so the bare `@@` is the empty piece.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from xlm.bpe.vocabulary import CONTINUATION_MARKER, NUM_SPECIAL_TOKENS, Vocabulary
from xlm.errors import DataError
from xlm.model.formats.source_files import VOCAB_JSON_FILE, read_json

_END = "</w>"


def huggingface_vocabulary(tokens: Sequence[str]) -> dict[str, int]:
    """Our tokens by id as transformers' pieces.

    Two tokens can give one piece (`x` and a literal `x</w>@@`, `<unk>` and `<unk>@@`): the lower id
    keeps it, as the more frequent, and the other is never written.
    """
    pieces: dict[str, int] = {}
    for number, token in enumerate(tokens):
        piece = token
        if number >= NUM_SPECIAL_TOKENS:
            continued = token.endswith(CONTINUATION_MARKER)
            piece = token.removesuffix(CONTINUATION_MARKER) if continued else f"{token}{_END}"
        pieces.setdefault(piece, number)
    return pieces


def write_vocab_json(folder: Path, tokens: Sequence[str]) -> None:
    """Write `vocab.json`."""
    text = json.dumps(huggingface_vocabulary(tokens), indent=1, ensure_ascii=False) + "\n"
    (folder / VOCAB_JSON_FILE).write_bytes(text.encode())


def read_vocab_json(path: Path) -> Vocabulary:
    """The vocabulary of a `vocab.json`; it has no counts: all are 0.

    Raises:
        DataError: its ids are not 0, 1, 2, ..., each of one piece.
    """
    pieces = read_json(path)
    numbers = {number for number in pieces.values() if isinstance(number, int)}
    free = [number for number in range(len(pieces)) if number not in numbers]
    if free:
        raise DataError(
            f"{path}: of {len(pieces)} pieces, none has id {free[0]}",
            fix="give the vocabulary that the model was trained with",
        )
    tokens = _tokens(pieces)
    return Vocabulary(tokens, (0,) * len(tokens))


def _tokens(pieces: Mapping[str, int]) -> tuple[str, ...]:
    tokens = [""] * len(pieces)
    for piece, number in pieces.items():
        if number < NUM_SPECIAL_TOKENS:
            tokens[number] = piece
        else:
            ends = piece.endswith(_END)
            tokens[number] = piece.removesuffix(_END) if ends else f"{piece}{CONTINUATION_MARKER}"
    return tuple(tokens)
