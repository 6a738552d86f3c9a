"""Segmenters: missing parts, identities, no downloads and no written files."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.growth import assert_linear
from tests.repository import REPOSITORY
from xlm.config.languages.pairs import language
from xlm.config.languages.segmenters import (
    SEGMENTERS,
    is_unspaced,
    missing_segmenter_warning,
    recommended_segmenter,
    split_spec,
)
from xlm.config.reading.resolve import resolve
from xlm.errors import ConfigError, ToolError, XlmError
from xlm.stages.text.tokenize import TOKENIZE
from xlm.store.keys import tool_version
from xlm.text.segmenters.registry import (
    load_segmenter,
    segmenter_identity,
    spec_with_path,
)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XLM_STANFORD_SEGMENTER", "XLM_PKUSEG_MODEL", "XLM_KYTEA", "KYTEA_MODEL"):
        monkeypatch.delenv(name, raising=False)


def test_the_path_of_a_spec_follows_the_first_colon() -> None:
    assert split_spec("stanford:/a:b") == ("stanford", "/a:b")
    assert split_spec("jieba") == ("jieba", None)
    assert split_spec("kytea:") == ("kytea", None)


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ("jeiba", ConfigError, "did you mean 'jieba'?"),
        ("", ConfigError, "unknown segmenter ''"),
        ("jieba:/dictionary", ConfigError, "jieba takes no path; write jieba"),
        ("stanford", ToolError, "no folder given; write stanford:FOLDER"),
        ("stanford:/nowhere", ToolError, "/nowhere is not a folder"),
        ("pkuseg", ToolError, "spacy-pkuseg is not installed|no model given"),
        ("kytea:/nowhere/kytea", ToolError, "program /nowhere/kytea not found; install KyTea"),
        ("command", ToolError, "no program given; write command:PROGRAM"),
        ("command:/nowhere", ToolError, "program /nowhere not found"),
    ],
)
def test_a_missing_segmenter_is_refused_in_one_line(
    spec: str, error: type[XlmError], message: str
) -> None:
    for function in (load_segmenter, segmenter_identity):
        with pytest.raises(error, match=message.replace("?", r"\?")) as caught:
            function(spec)
        assert "\n" not in str(caught.value)


def test_the_identity_of_a_library_is_its_version() -> None:
    assert segmenter_identity("jieba") == f"jieba {tool_version('jieba')}"
    assert segmenter_identity("newmm") == f"PyThaiNLP {tool_version('pythainlp')}, newmm"


def test_any_language_can_have_a_segmenter() -> None:
    config = resolve("mini15", ["text.segmenters.ja=kytea", "text.segmenters.zh=command:/x"])
    assert config.text.segmenters == {"th": "newmm", "zh": "command:/x", "ja": "kytea"}
    with pytest.raises(ConfigError, match=r"text\.segmenters\.ja: unknown segmenter 'kyte'; did"):
        resolve("mini15", ["text.segmenters.ja=kyte"])


def test_the_key_contains_the_identity_and_not_the_path(tmp_path: Path) -> None:
    """One program at two paths gives one key; another program of the same name gives another."""
    keys = []
    for folder, answer in (("one", "cat"), ("two", "cat"), ("two", "sed -u s/a/b/")):
        program = tmp_path / folder / "words"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\nexec {answer}\n")
        program.chmod(0o755)
        config = resolve("mini15", [f"text.segmenters.zh=command:{program}"])
        chosen = TOKENIZE.slice(config, "en-zh")
        assert chosen.segmenter_specs == {"zh": f"command:{program}"}
        keys.append(chosen.key_fields())
    assert keys[0] == keys[1] != keys[2]
    assert keys[0]["segmenters"] == {"zh": "command"}
    assert str(tmp_path) not in str(keys)
    assert TOKENIZE.slice(resolve("mini15"), "de").segmenter_identities == {}


def test_the_path_can_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XLM_STANFORD_SEGMENTER", str(tmp_path))
    assert spec_with_path("stanford") == f"stanford:{tmp_path}"
    assert spec_with_path("stanford:/mine") == "stanford:/mine"
    monkeypatch.setenv("HOME", "/home/me")
    assert spec_with_path("pkuseg:~/news") == "pkuseg:/home/me/news"
    assert spec_with_path("command:cat") == "command:cat"
    with pytest.raises(ToolError, match=r"has no data/pku\.gz"):
        load_segmenter("stanford")


@pytest.mark.parametrize(
    "code", ["zh", "yue", "lzh", "ja", "th", "lo", "km", "my", "shn", "bo", "dz"]
)
def test_languages_without_spaces_need_a_segmenter(code: str) -> None:
    assert is_unspaced(language(code))
    assert recommended_segmenter(language(code)) == {"th": "newmm", "zh": "jieba"}.get(code, "icu")
    assert f"{code} is written without spaces" in missing_segmenter_warning(code)


def test_languages_with_spaces_need_none() -> None:
    for code in ("en", "vi", "ko", "nan", "sw", "hi"):
        assert not is_unspaced(language(code))
        assert recommended_segmenter(language(code)) is None


@pytest.mark.parametrize("present", [(), ("weights.npz",), ("features.pkl",)])
def test_pkuseg_is_refused_with_an_incomplete_model(
    tmp_path: Path, present: tuple[str, ...]
) -> None:
    pytest.importorskip("spacy_pkuseg")
    for name in present:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(ToolError, match=r"no model in .* \(weights\.npz and features"):
        load_segmenter(f"pkuseg:{tmp_path}")


def test_pkuseg_never_downloads_and_never_writes(tmp_path: Path) -> None:
    """The package would download a model by name. A damaged model is reported in one line."""
    pytest.importorskip("spacy_pkuseg")
    home = tmp_path / "home"
    model = tmp_path / "news"
    home.mkdir()
    model.mkdir()
    for name in ("weights.npz", "features.pkl"):
        (model / name).write_bytes(b"damaged")
    program = (
        "from xlm.text.segmenters.registry import load_segmenter\n"
        "from xlm.errors import ToolError\n"
        "try:\n    load_segmenter('pkuseg:news')\n"
        "except ToolError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *filter(None, sys.path)]),
            "https_proxy": "http://127.0.0.1:9",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "cannot be read" in done.stdout
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""
    assert list(home.iterdir()) == []


def test_pkuseg_segments_with_the_model_of_the_folder(tmp_path: Path) -> None:
    """A fake replaces the optional package: it checks its folder and writes to stderr."""
    if find_spec("spacy_pkuseg") is not None:
        pytest.skip("the package itself is installed")
    site, model = tmp_path / "site", tmp_path / "model"
    (site / "spacy_pkuseg").mkdir(parents=True)
    (site / "spacy_pkuseg" / "__init__.py").write_text(
        "import sys\n"
        "class pkuseg:\n"
        "    def __init__(self, model):\n"
        f"        assert model == {str(model)!r}\n"
        "        print('WARNING: features.msgpack does not exist', file=sys.stderr)\n"
        "    def cut(self, line):\n"
        "        return list(line)\n"
    )
    (site / "spacy_pkuseg-1.0.2.dist-info").mkdir()
    metadata = "Metadata-Version: 2.1\nName: spacy-pkuseg\nVersion: 1.0.2\n"
    (site / "spacy_pkuseg-1.0.2.dist-info" / "METADATA").write_text(metadata)
    model.mkdir()
    for name in ("weights.npz", "features.pkl"):
        (model / name).write_bytes(name.encode())
    program = (
        "from xlm.text.segmenters.registry import segmenter_identity, load_segmenter\n"
        f"print(segmenter_identity('pkuseg:{model}'), load_segmenter('pkuseg:{model}')('我来到'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": f"{site}:{REPOSITORY}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert re.fullmatch(r"spacy-pkuseg 1\.0\.2, model [0-9a-f]{12} 我 来 到\n", done.stdout)
    assert done.stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "character"),
    [("jieba", "中"), ("jieba", "龘"), ("jieba", "中a"), ("newmm", "1"), ("newmm", "๑")],
)
def test_a_run_of_one_character_takes_linear_time(name: str, character: str) -> None:
    segment = load_segmenter(name)
    segment(character)
    line = character * (100_000 // len(character.encode()))
    assert_linear(lambda length: segment(line[:length]), len(line))
    assert segment(line).replace(" ", "") == line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "run"),
    [("jieba", "来到北京" * 250), ("jieba", "dGhl0" * 400), ("newmm", "12" * 250)],
)
def test_runs_of_natural_length_are_not_cut(name: str, run: str) -> None:
    """Nor is a longer line of several runs."""
    segment = load_segmenter(name)
    once = segment(run)
    assert segment(f"{run} x {run}") == " ".join([once, segment(" x "), once])


def test_the_reference_lists_every_segmenter() -> None:
    page = (REPOSITORY / "docs" / "reference" / "segmenters.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)[^`]*` \|", page, re.MULTILINE)
    assert sorted(listed) == sorted(SEGMENTERS)


def test_kept_case_is_in_keys_and_excludes_the_published_merges() -> None:
    assert "cased" not in TOKENIZE.slice(resolve("mini15"), "sw").key_fields()
    cased = resolve("mini15", ["text.cased=true"])
    assert TOKENIZE.slice(cased, "sw").key_fields()["cased"] is True
    with pytest.raises(ConfigError, match=r"text\.cased is true, but bpe\.source is official"):
        resolve("mini15", ["text.cased=true", "bpe.source=official"])
