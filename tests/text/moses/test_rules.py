"""Single rules of the Perl scripts that other ports get wrong."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlm.errors import ConfigError
from xlm.text.chain import cased_tokenizer_for, tokenizer_for
from xlm.text.characters.accents import lower_without_accents
from xlm.text.moses.prefixes import missing_prefixes_warning
from xlm.text.moses.punctuation import (
    punctuation_filter,
    remove_non_printing,
    replace_unicode_punctuation,
)
from xlm.text.moses.tokenizer import moses_tokenizer
from xlm.text.segmenters.registry import load_segmenter


@pytest.mark.parametrize("character", ["\u00ad", "\u200b", "\ue000", "\u0378", "\x07", "\u202e"])
def test_each_non_printing_code_point_becomes_a_space(character: str) -> None:
    assert remove_non_printing(f"a{character}{character}b") == "a  b"


def test_only_plain_spaces_after_a_full_width_stop_are_removed() -> None:
    assert replace_unicode_punctuation("一。  二．\u3000三，四") == "一. 二. \u3000三,四"


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", 'say "yes." and'), ("de", 'say "yes". and'), ("tr", 'say "yes". and')],
)
def test_the_order_of_quotes_and_stops_depends_on_the_language(
    language: str, expected: str
) -> None:
    assert punctuation_filter(language)('say "yes." and') == expected


def test_a_quote_after_a_stop_at_the_end_moves_except_in_english() -> None:
    assert punctuation_filter("sw")('"ndiyo."') == '"ndiyo".'
    assert punctuation_filter("cs")('"ano."') == '"ano."'


@settings(deadline=None)
@given(line=st.text('."< ,a', max_size=30))
def test_quotes_move_as_by_the_substitution_of_the_script(line: str) -> None:
    """The rule does not use the regular expression, which takes quadratic time on dots."""
    line = re.sub(" +", " ", line)
    expected = re.sub(r'(\.+)"(\s*[^<])', r'"\1\2', line.replace(',"', '",') + "\n")[:-1]
    assert punctuation_filter("bg")(line) == expected


@pytest.mark.parametrize(("language", "expected"), [("de", "1,000"), ("en", "1.000")])
def test_a_no_break_space_inside_a_number_becomes_a_separator(language: str, expected: str) -> None:
    assert punctuation_filter(language)("1\u00a0000") == expected


def test_the_stop_of_the_last_word_is_always_split() -> None:
    tokenize = moses_tokenizer("en")
    assert tokenize("Dr. Smith met Dr.") == "Dr. Smith met Dr ."
    assert tokenize("in the U.S. and the U.S.") == "in the U.S. and the U.S ."


def test_a_numeric_prefix_keeps_its_stop_only_before_a_number() -> None:
    tokenize = moses_tokenizer("en")
    assert tokenize("No. 5 or No. Five") == "No. 5 or No . Five"


def test_marks_that_are_not_alphabetic_are_split_off() -> None:
    assert moses_tokenizer("hi")("वेल्श") == "वेल ् श"


def test_apostrophes_follow_the_language() -> None:
    assert moses_tokenizer("en")("don't 1990's ' x") == "don 't 1990 's ' x"
    assert moses_tokenizer("fr")("l'eau 'x") == "l' eau ' x"
    assert moses_tokenizer("de")("geht's") == "geht ' s"


def test_runs_of_dots_and_commas_in_numbers_stay_together() -> None:
    assert moses_tokenizer("en")("wait... 5,300, or so.") == "wait ... 5,300 , or so ."


def test_letters_of_other_scripts_are_not_separated() -> None:
    assert moses_tokenizer("en")("漢字 한글 𝒳y") == "漢字 한글 𝒳y"


def test_lines_of_white_space_do_not_change() -> None:
    assert moses_tokenizer("en")(" \u3000 ") == " \u3000 "


def test_a_language_without_prefixes_uses_those_of_english() -> None:
    assert moses_tokenizer("xx")("Mr. Smith.") == "Mr. Smith ."
    assert missing_prefixes_warning("xx", "--choice") == (
        "Moses has no list of abbreviations for xx: it uses that of English; --choice chooses "
        "that of another language"
    )
    for language in ("en", "sw", "yue", "tdt"):
        assert missing_prefixes_warning(language, "") is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("ΟΔΟΣ \n", "οδος"),
        ("İstanbul ırmak", "istanbul ırmak"),
        ("Đường Й ё", "đuong и е"),
        ("أإآ", "ااا"),
    ],
)
def test_case_and_accents(raw: str, expected: str) -> None:
    assert lower_without_accents(raw) == expected


@pytest.mark.slow
def test_chinese_is_segmented_before_punctuation_and_thai_after() -> None:
    assert (
        cased_tokenizer_for("zh", {"zh": "jieba"})("我来到北京，清华大学。")
        == "我 来到 北京 , 清华大学 . "
    )
    assert cased_tokenizer_for("th", {"th": "newmm"})("สวัสดีครับ“ไทย”") == 'สวัสดี ครับ " ไทย "'


def test_an_unknown_segmenter_is_refused() -> None:
    with pytest.raises(ConfigError, match="did you mean 'jieba'"):
        load_segmenter("jeiba")


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "de", "fr", "hi", "th"])
@settings(deadline=None)
@given(line=st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])))
def test_the_tokens_of_any_line_are_one_line(language: str, line: str) -> None:
    tokens = tokenizer_for(language, {"th": "newmm"})(line)
    assert "\n" not in tokens
    assert "\r" not in tokens
    # A tab would split a row of XNLI.
    assert "\t" not in tokens
