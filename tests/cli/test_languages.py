"""`xlm languages`."""

import json

import pytest

from xlm.cli.languages import matching, print_languages
from xlm.config.languages.table import read_table
from xlm.errors import ConfigError


@pytest.mark.parametrize(
    ("word", "codes"),
    [
        *(("sw", ["sw"]), ("SWH", ["sw"]), ("swahili", ["sw"]), ("kin", ["rw"])),
        *(("zh-yue", ["yue"]), ("be_x_oldwiki", ["be_tarask"]), ("snd-Arab", ["sd"])),
        *(("Khmr", ["km"]), ("sami", ["se", "smn"]), ("", [])),
    ],
)
def test_languages_are_found_by_code_script_and_name(word: str, codes: list[str]) -> None:
    assert [entry.code for entry in matching(word)] == codes


def test_the_table_has_one_line_for_each_language(capsys: pytest.CaptureFixture[str]) -> None:
    print_languages(None, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" ")[0] for line in lines] == ["code", *read_table()]
    assert any(line.startswith("ur ") and "Arab, right to left" in line for line in lines)


def test_json_has_all_facts(capsys: pytest.CaptureFixture[str]) -> None:
    print_languages("ja", as_json=True)
    (record,) = json.loads(capsys.readouterr().out)
    assert record == {
        "code": "ja",
        "iso": "jpn",
        "name": "Japanese",
        "script": "Jpan",
        "direction": "ltr",
        "wikipedia": "jawiki",
        "opus": ["ja", "jpn"],
        "ntrex": "jpn",
        "xnli": False,
        "moses_abbreviations": None,
        "segmenter": "icu",
    }
    print_languages("acu", as_json=True)
    (record,) = json.loads(capsys.readouterr().out)
    assert (record["wikipedia"], record["ntrex"], record["segmenter"]) == (None, None, None)


def test_an_unknown_language_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'tlh' \(Klingon\)"):
        print_languages("klingn", as_json=True)
