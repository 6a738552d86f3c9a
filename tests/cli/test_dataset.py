"""`xlm dataset`: what the folder says of the machine, and where it may be."""

import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.stages.own_data import build, sentences, write_lines, write_profile
from xlm.cli.dataset import write_shards
from xlm.errors import ConfigError
from xlm.pipeline.request import RunRequest
from xlm.report.lineage.read import read_lineage


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a profile, and a store with its shards."""
    folder = tmp_path_factory.mktemp("alice")
    path = write_lines(folder / "sw.txt", sentences("sw", 40))
    text = [{"kind": "text", "language": "sw", "path": str(path), "licence": "CC0-1.0"}]
    sizes = {"bpe": {"codes": 40}, "split": {"valid_fraction": 0.3}}
    build(write_profile(folder, ["sw"], text, classify=None, **sizes), folder / "data", "shard")
    return folder


def test_the_folder_names_no_path_of_the_machine(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    overrides = ("bpe.codes=40", f"sources.mirror={home}")
    request = RunRequest(profile=str(home / "my.yaml"), overrides=overrides)
    write_shards(request, out, str(home / "data"))
    card = (out / "README.md").read_text("utf-8")
    assert "xlm run --profile my.yaml --set bpe.codes=40 --until shard\n" in card
    metadata = (out / "croissant.json").read_text("utf-8")
    assert str(home.parent) not in card + metadata
    day = datetime.now(UTC).date()
    published = datetime.fromisoformat(json.loads(metadata)["datePublished"]).date()
    assert 0 <= (day - published).days <= 1


def test_the_store_is_no_place_for_the_folder(home: Path, tmp_path: Path) -> None:
    request = RunRequest(profile=str(home / "my.yaml"))
    link = tmp_path / "link"
    link.symlink_to(home / "data" / "artifacts")
    for out in (home / "data" / "out", link / "out", home / "data"):
        refusal = re.escape(f"OUT: '{out}' is in the store {home / 'data'}")
        with pytest.raises(ConfigError, match=refusal):
            write_shards(request, out, str(home / "data"))
    assert not (home / "data" / "artifacts" / "out").exists()


def test_the_folder_leads_back_to_the_text(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_shards(RunRequest(profile=str(home / "my.yaml")), out, str(home / "data"))
    lineage = read_lineage(out, str(home / "data"))
    assert {str(part.artifact) for part in lineage.subject.parts} == {
        "shard[sw]", "vocabulary", "learn-bpe",
    }  # fmt: skip
    assert lineage.faults == ()
    text = hashlib.sha256((home / "sw.txt").read_bytes()).hexdigest()
    assert text in {one.sha256 for one in lineage.sources}
