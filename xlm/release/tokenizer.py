"""Writes the files with which `transformers.XLMTokenizer` produces our ids (spec 6.2 and 6.3).

`vocab.json` maps the subwords of `xlm.model.formats.hugging_face.vocab_json`
to ids; `merges.txt` holds the merges.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from xlm.bpe.vocabulary import EOS, MASK, PAD, SPECIAL_TOKENS, UNK
from xlm.inference.rules import TokenizationRules
from xlm.model.formats.hugging_face.folder import language_tables
from xlm.model.formats.hugging_face.vocab_json import write_vocab_json


def write_tokenizer(
    folder: Path,
    *,
    tokens: Sequence[str],
    merges: bytes,
    languages: Sequence[str],
    positions: int,
    rules: TokenizationRules | None = None,
) -> None:
    """Write `vocab.json`, `merges.txt` and `tokenizer_config.json` into a model folder.

    Args:
        tokens: the tokens by id, the 14 special tokens first.
        merges: contents of the fastBPE codes file.
        languages: language codes by language id.
        positions: maximum input length of the model in tokens.
        rules: how the texts were tokenized; None: with the default segmenters.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_vocab_json(folder, tokens)
    # The reader drops everything after the last newline, which would lose the last merge.
    ended = merges if merges.endswith(b"\n") else merges + b"\n"
    (folder / "merges.txt").write_bytes(ended)
    _write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "XLMTokenizer",
            "model_max_length": positions,
            # XLM starts sentences with </s>; the default of transformers, <s>, was never trained.
            "bos_token": SPECIAL_TOKENS[EOS],
            "unk_token": SPECIAL_TOKENS[UNK],
            "sep_token": SPECIAL_TOKENS[EOS],
            "pad_token": SPECIAL_TOKENS[PAD],
            "cls_token": SPECIAL_TOKENS[EOS],
            "mask_token": SPECIAL_TOKENS[MASK],
            "additional_special_tokens": SPECIAL_TOKENS[UNK + 1 :],
            **(rules or TokenizationRules({})).settings(),
            **language_tables(languages),
            # XLMModel would look up token_type_ids as word embeddings 0 and 1.
            "model_input_names": ["input_ids", "attention_mask"],
        },
    )


def _write_json(path: Path, content: object) -> None:
    path.write_bytes((json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())
