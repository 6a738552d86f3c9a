"""Writes the files from which `transformers.XLMTokenizer` makes our ids (spec 6.2 and 6.3).

`vocab.json` marks ends of words where ours marks their absence: `token` becomes `token</w>` and
`token@@` becomes `token`, so the bare `@@` becomes the empty key. `merges.txt` is the codes file.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from xlm.bpe.vocabulary import CONTINUED, EOS, FIRST_ORDINARY, MASK, PAD, SPECIAL_TOKENS, UNKNOWN
from xlm.release.huggingface import language_tables


def write_tokenizer(
    folder: Path, *, tokens: Sequence[str], codes: Path, languages: Sequence[str], positions: int
) -> None:
    """Write `vocab.json`, `merges.txt` and `tokenizer_config.json` into a model folder.

    Args:
        tokens: our tokens by id, the 14 special ones first.
        codes: the fastBPE codes that made them.
        positions: the longest input that the model takes, tokens.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / "vocab.json", huggingface_vocabulary(tokens))
    (folder / "merges.txt").write_bytes(_merges(codes))
    _write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "XLMTokenizer",
            "model_max_length": positions,
            # The original begins with </s>; transformers' default <s> was never trained.
            "bos_token": SPECIAL_TOKENS[EOS],
            "unk_token": SPECIAL_TOKENS[UNKNOWN],
            "sep_token": SPECIAL_TOKENS[EOS],
            "pad_token": SPECIAL_TOKENS[PAD],
            "cls_token": SPECIAL_TOKENS[EOS],
            "mask_token": SPECIAL_TOKENS[MASK],
            "additional_special_tokens": SPECIAL_TOKENS[UNKNOWN + 1 :],
            "do_lowercase_and_remove_accent": True,
            **language_tables(languages),
            # XLMModel would add the embeddings of words 0 and 1 for token_type_ids.
            "model_input_names": ["input_ids", "attention_mask"],
        },
    )


def huggingface_vocabulary(tokens: Sequence[str]) -> dict[str, int]:
    """Our tokens by id as transformers' pieces.

    Two tokens can give one piece (`x` and a literal `x</w>@@`, `<unk>` and `<unk>@@`): the lower id
    keeps it, as the more frequent, and the other is never written.
    """
    pieces: dict[str, int] = {}
    for number, token in enumerate(tokens):
        piece = token
        if number >= FIRST_ORDINARY:
            continued = token.endswith(CONTINUED)
            piece = token.removesuffix(CONTINUED) if continued else f"{token}</w>"
        pieces.setdefault(piece, number)
    return pieces


def _merges(codes: Path) -> bytes:
    content = codes.read_bytes()
    # The reader drops what stands behind the last newline: without one, the last merge is lost.
    return content if content.endswith(b"\n") else content + b"\n"


def _write_json(path: Path, content: object) -> None:
    path.write_bytes((json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())
