"""Compare tokenization with the Perl scripts, if MOSES_HOME is a checkout of mosesdecoder.

    MOSES_HOME=~/mosesdecoder python -m pytest tests/text/moses/test_moses_home.py

The default is 20,000 rows; HARD_ROWS and HARD_ROWS_SEED select another number and other rows. Perl
must have Unicode 14 (5.36), or rows with newer characters differ.
"""

import os
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from tests.text.moses.hard_rows import hard_rows, often_numeric
from tests.text.moses.moses_home import filtered, scripts_or_skip, tokenized
from xlm.text.chain import cased_tokenizer_for
from xlm.text.moses.prefixes import prefixes_of
from xlm.text.moses.punctuation import punctuation_filter

PAPER = ["ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "tr", "ur", "vi"]
FURTHER = ["fi", "sv", "ca", "it", "ga", "so", "tdt", "cs", "nl", "pl", "pt", "ro", "ta", "xx"]
ROWS = int(os.environ.get("HARD_ROWS", "20000"))
SEED = int(os.environ.get("HARD_ROWS_SEED", "4"))


@cache
def _perl_unicode() -> str:
    program = ["perl", "-MUnicode::UCD", "-e", "print Unicode::UCD::UnicodeVersion()"]
    return subprocess.run(program, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def scripts() -> Path:
    found = scripts_or_skip()
    if _perl_unicode() != "14.0.0":
        pytest.skip(f"this Perl knows Unicode {_perl_unicode()}, the tables 14.0.0")
    return found


def _rows(language: str, count: int) -> list[str]:
    return hard_rows(language, count, SEED, prefixes=often_numeric(prefixes_of(language)))


def _differences(rows: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> list[str]:
    triples = zip(rows, ours, theirs, strict=True)
    return [f"{raw!a}: {our!a}, not {their!a}" for raw, our, their in triples if our != their][:20]


@pytest.mark.parametrize("language", PAPER)
def test_tokens_of_hard_rows_are_equal(scripts: Path, language: str) -> None:
    rows = _rows(language, -(-ROWS // len(PAPER)))
    theirs = tokenized(scripts, language, filtered(scripts, language, rows))
    assert _differences(rows, list(map(cased_tokenizer_for(language, {}), rows)), theirs) == []


@pytest.mark.parametrize("language", FURTHER)
def test_tokens_in_further_languages_are_equal(scripts: Path, language: str) -> None:
    rows = _rows(language, -(-ROWS // (4 * len(PAPER))))
    theirs = tokenized(scripts, language, filtered(scripts, language, rows))
    assert _differences(rows, list(map(cased_tokenizer_for(language, {}), rows)), theirs) == []


@pytest.mark.parametrize("language", ["th", "zh"])
def test_filters_are_equal_in_languages_with_a_segmenter(scripts: Path, language: str) -> None:
    rows = _rows(language, -(-ROWS // len(PAPER)))
    ours = list(map(punctuation_filter(language), rows))
    assert _differences(rows, ours, filtered(scripts, language, rows)) == []
