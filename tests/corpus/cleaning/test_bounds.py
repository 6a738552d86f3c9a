"""Cleaners that look at lengths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlm.corpus.cleaning.bounds import LengthRatio, TooLong, TooShort


@pytest.mark.parametrize(
    ("row", "kept"),
    [(("abc",), True), (("ab",), False), (("  ab  ",), False), (("abc", "ab"), False)],
)
def test_every_side_has_enough_characters(row: tuple[str, ...], kept: bool) -> None:
    assert TooShort(3).keep(row) is kept


def test_characters_count_and_not_bytes() -> None:
    assert TooShort(3).keep(("सत्य",))
    assert not TooLong(2).keep(("我来到",))
    assert TooLong(3).keep(("我来到",))


def test_the_detail_is_the_length_that_decides() -> None:
    assert TooShort(3).detail(("abcd", "ab")) == "2 characters"
    assert TooLong(3).detail(("abcd", "ab")) == "4 characters"


def test_a_ratio_is_that_of_the_languages() -> None:
    """Chinese needs a third of the characters of English, which is no reason to drop a pair."""
    english, chinese = "a" * 90, "我" * 30
    assert LengthRatio(2, (9000, 3000)).keep((english, chinese))
    assert not LengthRatio(2, (9000, 9000)).keep((english, chinese))


def test_a_side_that_is_much_longer_is_refused_in_both_directions() -> None:
    cleaner = LengthRatio(2, (100, 100))
    assert not cleaner.keep(("a" * 100, "b" * 20))
    assert not cleaner.keep(("a" * 20, "b" * 100))
    assert cleaner.detail(("a" * 110, "b" * 20)) == "4.0 times the expected ratio of lengths"


def test_short_sentences_vary_more() -> None:
    assert LengthRatio(2, (100, 100)).keep(("Ja.", "Ndiyo, sawa."))


@given(st.text(), st.text(), st.integers(0, 10**12), st.integers(0, 10**12))
def test_a_ratio_is_at_least_one_and_symmetric(a: str, b: str, left: int, right: int) -> None:
    found = LengthRatio(3, (left, right)).ratio((a, b))
    assert found >= 1
    assert LengthRatio(3, (right, left)).ratio((b, a)) == pytest.approx(found)
