"""`xlm sources find`, as a process."""

import json
from pathlib import Path

import pytest
import yaml

from tests.flows.console import xlm
from xlm.config.data.corpora import OpusCorpus

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("find")


def test_corpora_of_a_pair_with_a_line_to_copy(folder: Path) -> None:
    printed = xlm(folder, "sources", "find", "sw-en")
    lines = printed.splitlines()
    assert lines[0].split() == ["corpus", "version", "kind", "pairs", "size", "licence"]
    assert lines[1].split()[:4] == ["CCMatrix", "v1", "web", "5,756,664"]
    assert "GlobalVoices" in printed
    assert "v2017q3" not in printed
    assert "v2017q3" in xlm(folder, "sources", "find", "en-sw", "--all")
    (entry,) = yaml.safe_load(lines[-1])
    assert OpusCorpus.model_validate(entry).pairs == ("en-sw",)


def test_json_has_urls_and_null_for_what_is_unknown(folder: Path) -> None:
    found = {one["corpus"]: one for one in json.loads(_json(folder, "sw-yo"))}
    assert found["GlobalVoices"]["url"].endswith("/OPUS-GlobalVoices/v2018q4/moses/sw-yo.txt.zip")
    assert found["GlobalVoices"]["licence"] == "CC-BY-3.0"
    assert found["Ubuntu"]["pairs"] is None
    assert found["CCMatrix"]["licence"] is None


def test_one_language_lists_the_languages_it_is_paired_with(folder: Path) -> None:
    printed = xlm(folder, "sources", "find", "sw")
    assert printed.splitlines()[0].split() == ["language", "corpora", "pairs"]
    assert "xlm sources find " in printed
    found = json.loads(_json(folder, "zh"))
    assert found[0]["language"] == "en"


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("en-swx", "unknown language 'swx'; did you mean"),
        ("en-!", "unknown language '!'; use a code such as sw"),
        ("en-", "'en-' is not a pair of two languages; write for example en-sw"),
        ("-", "is not a pair"),
        ("en-en", "'en-en' is not a pair"),
        ("en-fr-sw", "'en-fr-sw' is not a pair"),
        ("ee-ur", "OPUS has no parallel text of ee-ur; through another language: en, vi"),
    ],
)
def test_a_mistake_is_one_line(folder: Path, what: str, message: str) -> None:
    printed = xlm(folder, "sources", "find", "--", what, code=1)
    assert printed.startswith("xlm: ")
    assert printed.count("\n") == 1
    assert message in printed


def _json(folder: Path, what: str) -> str:
    return xlm(folder, "sources", "find", what, "--json")
