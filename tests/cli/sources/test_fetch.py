"""`xlm sources fetch`: the space that it needs, and the mirror that it fills."""

import json
from pathlib import Path

import pytest

from tests.corpus.http.fetching import zip_of
from xlm.cli.sources import fetch
from xlm.corpus.sources.mirror_copy import part_path
from xlm.errors import PipelineError, StoreError
from xlm.pipeline.request import RunRequest

TEXT = "texts.example.org/v1/train"
PROFILE = """\
languages: [en, sw]
sources:
  wikipedia: null
  parallel:
    - {kind: plain, name: mine, title: Mine, licence: CC0-1.0,
       english: "https://texts.example.org/v1/train.en",
       other: "https://texts.example.org/v1/train.{code}"}
"""
OPUS = """\
    - {kind: opus, corpus: Tatoeba, version: v2022-03-03, licence: CC-BY-2.0-FR}
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A mirror with the texts of the profile; the mirror to fill has all else."""
    for name in ("XNLI-1.0.zip", "XNLI-MT-1.0.zip"):
        path = tmp_path / "to" / "dl.fbaipublicfiles.com" / "XNLI" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(zip_of())
    for code in ("en", "sw"):
        path = tmp_path / "source" / f"{TEXT}.{code}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("A sentence.\n" * 100)
    return tmp_path / "source"


def _request(tmp_path: Path, *mirrors: Path, more: str = "") -> RunRequest:
    profile = tmp_path / "my.yaml"
    profile.write_text(PROFILE + more)
    chosen = f"sources.mirrors={json.dumps([str(one) for one in mirrors])}"
    return RunRequest(profile=str(profile), overrides=(chosen,))


def _fetch(request: RunRequest, tmp_path: Path) -> None:
    fetch.fetch_sources(request, tmp_path / "to", str(tmp_path / "root"), as_json=True)


def test_what_has_arrived_needs_no_space(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = _request(tmp_path, source)
    monkeypatch.setattr(fetch, "free_space", lambda _: 1500)
    with pytest.raises(StoreError, match=r"need 2\.4 kB .* which has 1\.5 kB free"):
        _fetch(request, tmp_path)
    part = part_path(tmp_path / "to", "mine.en")
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(1000))
    _fetch(request, tmp_path)
    assert (tmp_path / "to" / f"{TEXT}.sw").stat().st_size == 1200


def test_sizes_of_the_catalogue_only_warn_and_no_pair_stops_the_others(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for version in ("v2022-03-03", "v1066-01-01"):
        request = _request(tmp_path, source, more=OPUS.replace("v2022-03-03", version))
        monkeypatch.setattr(fetch, "free_space", lambda _: 2500)
        with pytest.raises(PipelineError, match=r"1 of 5 downloads failed: tatoeba\.en-sw"):
            _fetch(request, tmp_path)
        assert (tmp_path / "to" / f"{TEXT}.sw").exists()
        assert ("the files need about" in caplog.text) == (version == "v2022-03-03")
        caplog.clear()


def test_the_mirror_that_is_filled_says_nothing_about_the_latest_dump(tmp_path: Path) -> None:
    target, other = tmp_path / "to", tmp_path / "other"
    given = (f"sources.mirror={target}", f"sources.mirrors={json.dumps([str(other)])}")
    for overrides in (given, (f"sources.mirror={target.as_uri()}", given[1])):
        request = RunRequest(profile="mini15", overrides=overrides)
        sources = fetch._without_target(request, target).resolve().sources
        assert sources.all_mirrors == (str(other),)
    same = RunRequest(profile="mini15", overrides=given[1:])
    assert fetch._without_target(same, target) is same
