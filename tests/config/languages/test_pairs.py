"""Languages and language pairs."""

import pytest

from xlm.config.languages.pairs import (
    XNLI_LANGUAGES,
    other_language,
    pair_of,
    pivot_of,
    split_pair,
)
from xlm.errors import ConfigError


def test_the_fifteen_languages_in_the_order_of_their_ids():
    assert " ".join(XNLI_LANGUAGES) == "ar bg de el en es fr hi ru sw th tr ur vi zh"
    right_to_left = {code for code, e in XNLI_LANGUAGES.items() if e.direction == "rtl"}
    assert right_to_left == {"ar", "ur"}
    ntrex = "arb bul deu ell eng spa fra hin rus swa tha tur urd vie zho-CN"
    assert [entry.ntrex for entry in XNLI_LANGUAGES.values()] == ntrex.split()


def test_pairs_are_alphabetical():
    assert [pair_of(code) for code in ("ar", "sw")] == ["ar-en", "en-sw"]
    assert split_pair("ar-en") == ("ar", "en")
    assert [other_language(pair) for pair in ("ar-en", "en-sw")] == ["ar", "sw"]


@pytest.mark.parametrize(
    ("pair", "fix"),
    [
        ("sw-en", "write en-sw"),
        ("en-en", "for example en-sw"),
        ("en", "for example en-sw"),
        ("a-b-c", "for example en-sw"),
    ],
)
def test_a_wrong_pair_is_refused_with_the_right_one(pair, fix):
    with pytest.raises(ConfigError, match=fix):
        split_pair(pair)


def test_the_pivot_of_a_pair_is_english_or_the_first() -> None:
    assert [pivot_of(pair) for pair in ("ar-en", "en-sw", "sw-yo")] == ["en", "en", "sw"]
    assert other_language("sw-yo") == "yo"
