"""Tokenizing with the cache equals tokenizing by the rules, in each language with rules."""

from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.growth import assert_linear
from tests.text.moses.hard_rows import OTHERS, SIGNS, TRAPS, WORDS, hard_rows, often_numeric
from xlm.text.chain import cached_moses_tokenizer, cased_tokenizer_for, tokenizer_for
from xlm.text.characters.accents import lower_without_accents, lower_word
from xlm.text.moses import memo
from xlm.text.moses.cached import CachedMosesTokenizer
from xlm.text.moses.prefixes import prefixes_of

LANGUAGES = [*WORDS, "fi", "sv", "tdt", "ca", "so", "it", "ga", "cs", "pl", "xx"]

_PARTS = [*"aZς59١.,'\"()[]:;%!?<-`", " ", "  ", *SIGNS, *TRAPS, *OTHERS, "Dr.", "No.", "z.B."]
_LINES = st.lists(st.one_of(st.sampled_from([" ", ".", "'"]), st.sampled_from(_PARTS), st.text()))


@cache
def _both(language: str) -> tuple[CachedMosesTokenizer, CachedMosesTokenizer]:
    plain = cached_moses_tokenizer(language, str, str)
    return plain, cached_moses_tokenizer(language, lower_word, lower_without_accents)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@settings(max_examples=150, deadline=None)
@example(parts=["1' '2"])
@example(parts=['x." .y"'])
@example(parts=["Dr. \u0301x", " No. ５"])
@example(parts=["No. ٣ No.\u00ad 3"])
@example(parts=["x'\u200b 'y z.‚‚ .a"])
@given(parts=_LINES)
def test_cached_and_uncached_tokens_are_equal(language: str, parts: list[str]) -> None:
    line = "".join(parts).replace("\n", "")
    for tokenizer in _both(language):
        assert tokenizer.tokenize_cached(line) == tokenizer.tokenize_uncached(line)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_cached_and_uncached_tokens_of_hard_rows_are_equal(language: str) -> None:
    plain, lowered = _both(language)
    for row in hard_rows(language, 1200, seed=11, prefixes=often_numeric(prefixes_of(language))):
        assert plain.tokenize_cached(row) == plain.tokenize_uncached(row)
        assert lowered.tokenize_cached(row) == lowered.tokenize_uncached(row)


def test_lowercasing_tokens_equals_lowercasing_the_line() -> None:
    moses, tokenize = cased_tokenizer_for("el", {}), tokenizer_for("el", {})
    for row in hard_rows("el", 1000, seed=12):
        assert tokenize(row) == lower_without_accents(moses(row))


def test_frequent_words_stay_in_a_memo_that_is_full() -> None:
    computed: list[str] = []

    def upper(word: str) -> str:
        computed.append(word)
        return word.upper()

    words = memo.Memo(upper, entries=8)
    for number in range(100):
        assert words["often"] == "OFTEN"
        assert words[f"a{number}"] == f"A{number}"
    assert computed.count("often") == 1
    assert len(words) <= 8
    assert len(words._older) == 8


def test_a_full_memo_is_cleared_and_long_words_are_not_cached() -> None:
    words = memo.Memo(str.upper, entries=8)
    for number in range(100):
        assert words[f"a{number % 11}"] == f"A{number % 11}"
        assert len(words) <= 8
    before = dict(words)
    assert words["x" * (memo.MAX_CHARACTERS + 1)] == "X" * (memo.MAX_CHARACTERS + 1)
    assert words == before


_LONG = [
    *(
        "a",
        "É",
        ".",
        ",",
        "'",
        '"',
        "(",
        ")",
        "`",
        "%",
        ":",
        "5",
        "\u0301",
        "漢",
        "\u200b",
        "\u00a0",
    ),
    *('."', ".'", ',"', "',", "a.", "a'", "5,", ",5", "«\u00a0", "。", "DOT", "DOTMULTI.", "MULTI"),
    *("( ", "' ", ". ", '." ', "a. ", "5 % ", ") . ", "Σ", "a.b,c'd\"", "Â·", ":n", "—", "  "),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "parts"),
    [("en", _LONG), ("fr", _LONG), ("fi", [":", ":n", ": "]), ("tdt", ["'", "'n", "' "])],
)
def test_long_lines_take_linear_time(language: str, parts: list[str]) -> None:
    tokenize = tokenizer_for(language, {})
    for part in parts:
        line = (part * (100_000 // len(part) + 1))[:100_000]
        assert_linear(lambda length, line=line: tokenize(line[:length]), len(line))


@pytest.mark.slow
@pytest.mark.parametrize("part", [".", "DOT", "DOTMULTI.", "MULTI", "a.", '."'])
def test_a_marker_at_the_end_of_a_long_line_takes_linear_time(part: str) -> None:
    tokenize = tokenizer_for("de", {})
    assert_linear(lambda times: tokenize(part * times + "DOTMULTI.."), 100_000 // len(part))
