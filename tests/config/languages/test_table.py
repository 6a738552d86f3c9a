"""The table of languages."""

import re
import unicodedata
from collections import Counter

from xlm.config.languages.pairs import KNOWN_LANGUAGES, XNLI_LANGUAGES
from xlm.config.languages.suggest import CODE_PATTERN
from xlm.config.languages.table import direction_of, read_table
from xlm.text.moses.prefixes import has_prefixes

LANGUAGES = list(read_table().values())


def _repeated(values: list[str]) -> list[str]:
    return [value for value, count in Counter(filter(None, values)).items() if count > 1]


def test_the_table_has_all_languages_of_wikipedia_and_is_ordered_by_code() -> None:
    assert len(LANGUAGES) > 390
    assert sum(bool(entry.wiki) for entry in LANGUAGES) > 340
    assert list(read_table()) == sorted(read_table())
    assert all(re.fullmatch(CODE_PATTERN, code) for code in read_table())


def test_the_languages_of_xnli_come_first() -> None:
    assert list(KNOWN_LANGUAGES)[:15] == list(XNLI_LANGUAGES)
    assert KNOWN_LANGUAGES.keys() == read_table().keys()


def test_no_two_languages_share_a_code_or_a_name() -> None:
    for name in ("name", "wiki", "ntrex", "iso"):
        assert _repeated([getattr(entry, name) for entry in LANGUAGES]) == []
    assert _repeated([alias for entry in LANGUAGES for alias in entry.opus]) == []
    codes = read_table().keys()
    assert [
        (alias, entry.code)
        for entry in LANGUAGES
        for alias in entry.opus
        if alias in codes and alias != entry.code
    ] == [], "a code of another language"


def test_every_field_is_well_formed() -> None:
    for entry in LANGUAGES:
        assert entry.name
        assert entry.name == entry.name.strip()
        assert "(" not in entry.name, "the code follows in parentheses"
        assert re.fullmatch(r"[A-Z][a-z]{3}", entry.script), entry
        assert entry.direction == direction_of(entry.script), entry
        assert re.fullmatch(r"[a-z0-9_]*", entry.wiki), entry
        assert re.fullmatch(r"([a-z]{3}(-[A-Z][A-Za-z]+)?)?", entry.ntrex), entry
        assert re.fullmatch(r"([a-z]{3})?", entry.iso), entry
        assert entry.tokenizer == "" or has_prefixes(entry.tokenizer), entry
        assert unicodedata.is_normalized("NFC", entry.name)


def test_wikipedias_have_the_names_of_their_databases() -> None:
    expected = {
        "be_tarask": "be_x_old",
        "gsw": "als",
        "lzh": "zh_classical",
        "nan": "zh_min_nan",
        "nds_nl": "nds_nl",
        "no": "no",
        "yue": "zh_yue",
    }
    assert {code: read_table()[code].wiki for code in expected} == expected


def test_values_that_are_in_keys_stay() -> None:
    entries = [read_table()[code] for code in ("fa", "lv", "no", "sr")]
    assert [(e.wiki, e.opus, e.ntrex) for e in entries] == [
        ("fa", ("fa", "pes", "fas"), "fas"),
        ("lv", ("lv", "lvs", "lav"), "lav"),
        ("no", ("no", "nb", "nob", "nor"), "nob"),
        ("sr", ("sr", "srp"), "srp-Cyrl"),
    ]
