"""Writes the files from which `transformers.XLMTokenizer` makes our ids (spec 6.2 and 6.3).

`vocab.json` holds the pieces of xlm/model/formats/tokens.py, `merges.txt` is the codes file.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from xlm.bpe.vocabulary import EOS, MASK, PAD, SPECIAL_TOKENS, UNK
from xlm.model.formats.hugging_face import language_tables
from xlm.model.formats.tokens import write_pieces


def write_tokenizer(
    folder: Path,
    *,
    tokens: Sequence[str],
    merges: bytes,
    languages: Sequence[str],
    positions: int,
) -> None:
    """Write `vocab.json`, `merges.txt` and `tokenizer_config.json` into a model folder.

    Args:
        tokens: our tokens by id, the 14 special ones first.
        merges: contents of the fastBPE codes file that made them.
        positions: the longest input that the model takes, tokens.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_pieces(folder, tokens)
    # The reader drops what stands behind the last newline: without one, the last merge is lost.
    ended = merges if merges.endswith(b"\n") else merges + b"\n"
    (folder / "merges.txt").write_bytes(ended)
    _write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "XLMTokenizer",
            "model_max_length": positions,
            # The original begins with </s>; transformers' default <s> was never trained.
            "bos_token": SPECIAL_TOKENS[EOS],
            "unk_token": SPECIAL_TOKENS[UNK],
            "sep_token": SPECIAL_TOKENS[EOS],
            "pad_token": SPECIAL_TOKENS[PAD],
            "cls_token": SPECIAL_TOKENS[EOS],
            "mask_token": SPECIAL_TOKENS[MASK],
            "additional_special_tokens": SPECIAL_TOKENS[UNK + 1 :],
            "do_lowercase_and_remove_accent": True,
            **language_tables(languages),
            # XLMModel would add the embeddings of words 0 and 1 for token_type_ids.
            "model_input_names": ["input_ids", "attention_mask"],
        },
    )


def _write_json(path: Path, content: object) -> None:
    path.write_bytes((json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())
