"""`xlm sources` with a profile of local files: they are listed, and there is nothing to copy."""

import json
from pathlib import Path

import pytest

from xlm.cli.sources.fetch import fetch_sources
from xlm.cli.sources.listing import list_sources
from xlm.cli.sources.lock import lock_sources
from xlm.errors import ConfigError
from xlm.pipeline.request import RunRequest


@pytest.fixture
def request_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunRequest:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XLM_ROOT", str(tmp_path / "root"))
    (tmp_path / "en.txt").write_text("a sentence\n" * 20)
    profile = tmp_path / "mine.yaml"
    profile.write_text(
        "languages: [en]\nclassify: null\nsources:\n  wikipedia: null\n"
        "  text: [{kind: text, language: en, path: en.txt}]\npretrain: {objectives: [mlm]}\n"
    )
    return RunRequest(profile=str(profile))


def test_local_files_are_listed(
    request_of_files: RunRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    list_sources(request_of_files, None, as_json=True)
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed["url"] == "en.txt"
    list_sources(request_of_files, None, as_json=False)
    assert capsys.readouterr().out.endswith("1 source, 1 here\n")


def test_nothing_is_locked_or_copied(request_of_files: RunRequest, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="downloads nothing; lock a profile with downloads"):
        lock_sources(request_of_files, None, None, as_json=False)
    with pytest.raises(ConfigError, match="downloads nothing; name a profile with downloads"):
        fetch_sources(request_of_files, tmp_path / "mirror", None, as_json=False)
    assert not (tmp_path / "mirror").exists()
    assert not request_of_files.lock_path.exists()
