"""The fast way against the rules: equal on any line, in every language with rules of its own."""

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
def test_pieces_give_what_the_whole_line_gives(language: str, parts: list[str]) -> None:
    line = "".join(parts).replace("\n", "")
    for chunks in _both(language):
        assert chunks.fast(line) == chunks.exact(line)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_pieces_give_what_the_whole_line_gives_on_hard_rows(language: str) -> None:
    plain, lowered = _both(language)
    for row in hard_rows(language, 1200, seed=11, prefixes=often_numeric(prefixes_of(language))):
        assert plain.fast(row) == plain.exact(row)
        assert lowered.fast(row) == lowered.exact(row)


def test_lower_case_comes_after_the_tokens_whichever_way() -> None:
    moses, tokenize = cased_tokenizer_for("el", {}), tokenizer_for("el", {})
    for row in hard_rows("el", 1000, seed=12):
        assert tokenize(row) == lower_without_accents(moses(row))


def test_a_full_memo_is_emptied_and_long_words_are_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memo, "ENTRIES", 8)
    words = memo.Memo(str.upper)
    for number in range(100):
        assert words[f"a{number % 11}"] == f"A{number % 11}"
        assert len(words) <= 8
    before = dict(words)
    assert words["x" * (memo.LONGEST + 1)] == "X" * (memo.LONGEST + 1)
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
    ("language", "pieces"),
    [("en", _LONG), ("fr", _LONG), ("fi", [":", ":n", ": "]), ("tdt", ["'", "'n", "' "])],
)
def test_long_lines_take_linear_time(language: str, pieces: list[str]) -> None:
    tokenize = tokenizer_for(language, {})
    for piece in pieces:
        line = (piece * (100_000 // len(piece) + 1))[:100_000]
        assert_linear(lambda signs, line=line: tokenize(line[:signs]), len(line))


@pytest.mark.parametrize("piece", [".", "DOT", "DOTMULTI.", "MULTI", "a.", '."'])
def test_a_marker_at_the_end_of_a_long_line_costs_no_more(piece: str) -> None:
    tokenize = tokenizer_for("de", {})
    assert_linear(lambda times: tokenize(piece * times + "DOTMULTI.."), 100_000 // len(piece))
