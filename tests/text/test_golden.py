"""Tokens equal those of the original tools, on 60 sentences of each language."""

import json
from pathlib import Path

import pytest

from xlm.config.data.text import TextConfig
from xlm.text.chain import cased_tokenizer_for, tokenizer_for

# Equal rows of 60.
EQUAL_ROWS = dict.fromkeys(
    ["ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh"], 60
)


@pytest.mark.slow
@pytest.mark.parametrize("language", EQUAL_ROWS)
def test_tokens_equal_those_of_the_original_tools(shared: Path, language: str) -> None:
    segmenters = TextConfig().segmenters
    moses, tokenize = cased_tokenizer_for(language, segmenters), tokenizer_for(language, segmenters)
    path = shared / "golden" / "xlm15_tokens" / f"golden.{language}.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").rstrip("\n").split("\n")]
    assert len(rows) == 60
    assert sum(moses(row["raw"]) == row["moses"] for row in rows) >= EQUAL_ROWS[language]
    assert (
        sum(tokenize(row["raw"]) == row["lower_noaccent"] for row in rows) >= (EQUAL_ROWS[language])
    )
