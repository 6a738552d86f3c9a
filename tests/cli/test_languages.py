"""`xlm languages`."""

import json
from pathlib import Path

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
    assert [entry.code for entry in matching(word, list(read_table().values()))] == codes


def test_the_table_has_one_line_for_each_language(capsys: pytest.CaptureFixture[str]) -> None:
    print_languages(None, None, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" ")[0] for line in lines] == ["code", *read_table()]
    assert any(line.startswith("ur ") and "Arab, right to left" in line for line in lines)


def test_json_has_all_facts(capsys: pytest.CaptureFixture[str]) -> None:
    print_languages("ja", None, as_json=True)
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
        "tokenizer": "ja",
        "has_abbreviations": False,
        "segmenter": "icu",
    }
    print_languages("acu", None, as_json=True)
    (record,) = json.loads(capsys.readouterr().out)
    assert (record["wikipedia"], record["ntrex"], record["segmenter"]) == (None, None, None)


def test_an_unknown_language_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'tlh' \(Klingon\)"):
        print_languages("klingn", None, as_json=True)


def test_a_profile_has_its_declared_languages_and_segmenters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = tmp_path / "mine.yaml"
    profile.write_text(
        "languages: [en, ja, {code: xx, name: Examplish, wiki: simple, tokenizer: fr}]\n"
        "text: {segmenters: {ja: icu, xx: 'command:/bin/cat'}}\n"
    )
    print_languages(None, str(profile), as_json=True)
    records = {one["code"]: one for one in json.loads(capsys.readouterr().out)}
    assert list(records) == ["en", "ja", "xx"]
    assert (records["en"]["segmenter"], records["ja"]["segmenter"]) == (None, "icu")
    xx = records["xx"]
    assert (xx["name"], xx["wikipedia"], xx["tokenizer"]) == ("Examplish", "simplewiki", "fr")
    assert xx["segmenter"] == "command:/bin/cat"
    print_languages("xx", str(profile), as_json=False)
    assert "Examplish" in capsys.readouterr().out
