"""Lowercasing and accent removal equal those of Python with Unicode 14."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.growth import assert_linear
from tests.text.moses.hard_rows import hard_rows
from xlm.text.characters import tables as characters
from xlm.text.characters.accents import lower_without_accents, lower_word

same_unicode = pytest.mark.skipif(
    unicodedata.unidata_version != "14.0.0",
    reason=f"this Python knows Unicode {unicodedata.unidata_version}, the tables 14.0.0",
)


def original(line: str) -> str:
    """Do the same as XLM's script, with the tables of the running Python."""
    decomposed = unicodedata.normalize("NFD", line.rstrip().lower())
    return "".join(c for c in decomposed if unicodedata.category(c) != "Mn").lower()


@pytest.mark.slow
@same_unicode
def test_each_code_point_before_a_letter_is_equal() -> None:
    for first in range(0, characters.CODE_POINTS, 256):
        block = " ".join(f"{chr(point)}X" for point in range(first, first + 256))
        assert lower_word(block) == original(block), hex(first)


_SIGMAS = st.text("ΣσΑa'.: \u0301\u0345ʰ\u00ad·5Ⓐ", max_size=12)
_MARKS = st.text("aÅ\u0301\u0323\u302e\u302f\u1b44\u094d\U0001d165\U0001d16e각\u11a8İ", max_size=12)


@same_unicode
@settings(deadline=None)
@given(line=st.one_of(st.text(), _SIGMAS, _MARKS))
def test_lines_are_equal(line: str) -> None:
    assert lower_without_accents(line) == original(line)


@same_unicode
def test_hard_rows_are_equal() -> None:
    for row in hard_rows("el", 3000, seed=5):
        assert lower_without_accents(row) == original(row)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("ΟΔΟΣ ΟΔΟΣ. Σ ΑΣ'Α", "οδος οδος. σ ασ'α"),
        ("ΑΣ\u0345", "ας"),  # cased, but skipped, because it is also Case_Ignorable
        ("İ I ı", "i i ı"),
        ("각", "\u1100\u1161\u11a8"),
        ("\u01c4 \u1fbc", "\u01c6 α"),
        ("a\u302f\u0301\u1b44\u302e", "a\u1b44\u302f\u302e"),  # spacing marks are reordered
        ("é \u0301 x \u0301", "e  x "),
    ],
)
def test_hard_characters(raw: str, expected: str) -> None:
    assert lower_without_accents(raw) == expected


@pytest.mark.slow
@pytest.mark.parametrize("part", ["Σ", "Σ'", "aΣ..", "\u0301", "\u302e\u0301", "각", "É"])
def test_long_words_take_linear_time(part: str) -> None:
    assert_linear(lambda times: lower_without_accents(part * times), 100_000 // len(part))
