"""A folder of shards: `mlcroissant` validates it and reads all of it."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.release.artifacts import build_artifacts, write_manifest
from tests.release.dataset.invented import dataset_facts
from tests.tiny_world import build_world
from xlm.errors import ConfigError, StoreError
from xlm.release.dataset.croissant import croissant
from xlm.release.dataset.facts import SplitCounts, UnitFacts
from xlm.release.dataset.folder import StoredShard, stored_shards, write_dataset
from xlm.release.dataset.read import newest_day
from xlm.store.disk.hashing import file_sha256

ITERATE = """
import itertools, json, sys
import mlcroissant

dataset = mlcroissant.Dataset(jsonld=sys.argv[1])
issues = dataset.metadata.issues
found = {"errors": sorted(issues.errors), "warnings": sorted(issues.warnings), "records": {}}
for one in dataset.metadata.record_sets:
    records = list(dataset.records(one.uuid))
    first = {
        name: value.decode() if isinstance(value, bytes)
        else [int(item) for item in value] if isinstance(value, list) else value
        for name, value in records[0].items()
    }
    found["records"][one.uuid] = [len(records), first]
print(json.dumps(found))
"""


@pytest.fixture
def shards(tmp_path: Path) -> list[StoredShard]:
    inputs = build_artifacts(tmp_path / "made", build_world(tmp_path / "world", lines=8)).inputs
    units = {
        role.partition(".")[2]: path
        for role, path in inputs.items()
        if role in ("data.en", "data.en-sw", "labelled.xnli.sw")
    }
    return stored_shards(units)


@pytest.fixture
def folder(tmp_path: Path, shards: list[StoredShard]) -> Path:
    out = tmp_path / "out"
    others = further_files(tmp_path)
    write_dataset(out, dataset_facts(), shards, others=others, published="2026-11-28")
    return out


def further_files(folder: Path) -> list[Path]:
    vocabulary = folder / "world" / "vocabulary"
    write_manifest(vocabulary, "vocabulary")
    return [vocabulary / "vocabulary.json", folder / "made" / "learn-bpe" / "codes"]


def run(code: str, *arguments: str, home: Path) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={"HOME": str(home), "HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.slow
def test_mlcroissant_validates_and_reads_all_record_sets(
    folder: Path, shards: list[StoredShard], tmp_path: Path
) -> None:
    found = run(ITERATE, str(folder / "croissant.json"), home=tmp_path / "home")
    assert (found["errors"], found["warnings"]) == ([], [])
    records = found["records"]
    assert isinstance(records, dict)
    expected = {f"{shard.file.unit}.{shard.file.split}" for shard in shards}
    assert set(records) == expected
    assert len(expected) == 8
    count, first = records["en.train"]
    assert count == 8
    assert first["en.train/language"] == "en"
    assert len(first["en.train/ids"]) > 1
    assert records["en-sw.valid"][1]["en-sw.valid/language_2"] == "sw"
    assert records["xnli.sw.test"][1]["xnli.sw.test/label"] in (0, 1, 2)


def test_the_metadata_have_size_and_digest_of_each_file(
    folder: Path, shards: list[StoredShard]
) -> None:
    content = json.loads((folder / "croissant.json").read_bytes())
    files = [one for one in content["distribution"] if one["@type"] == "cr:FileObject"]
    assert len(files) == len(shards)
    for one in files:
        path = folder / one["contentUrl"]
        assert one["sha256"] == file_sha256(path)
        assert one["contentSize"] == f"{path.stat().st_size} B"
    assert content["license"] == ["cc-by-nc-sa-4.0", "CC-BY-NC-4.0", "CC-BY-SA-4.0"]
    assert content["inLanguage"] == ["en", "sw"]


def test_translations_are_described_and_are_no_further_language(
    shards: list[StoredShard], tmp_path: Path
) -> None:
    (test,) = [one for one in shards if one.file.unit == "xnli.sw" and one.file.split == "test"]
    moved = replace(test.file, unit="xnli.sw-en", path=f"xnli.sw-en/{test.source.name}")
    content = croissant(dataset_facts(), [test.file, moved], published="2026-11-28")
    assert [one["description"] for one in content["recordSet"]] == [
        "xnli.sw, split test.",
        "xnli.sw-en (xnli.sw in English), split test.",
    ]
    assert [one["name"] for one in content["recordSet"]] == ["xnli.sw.test", "xnli.sw-en.test"]
    assert content["inLanguage"] == ["en", "sw"]


def test_an_empty_split_is_left_out_for_datasets(shards: list[StoredShard], tmp_path: Path) -> None:
    """`load_dataset` refuses a configuration with a split without rows."""
    empty = UnitFacts("en", {"train": SplitCounts(8, 90, 0), "valid": SplitCounts(0, 0, 0)})
    out = tmp_path / "out"
    facts = replace(dataset_facts(), units=(empty,))
    write_dataset(out, facts, shards, others=[], published="2026-11-28")
    _, metadata, _ = (out / "README.md").read_text("utf-8").split("---\n", 2)
    configurations = {one["config_name"]: one for one in yaml.safe_load(metadata)["configs"]}
    assert [one["split"] for one in configurations["en"]["data_files"]] == ["train", "test"]
    assert len(configurations["en-sw"]["data_files"]) == 3


def test_the_folder_must_not_exist(folder: Path, shards: list[StoredShard]) -> None:
    with pytest.raises(ConfigError, match="already exists"):
        write_dataset(folder, dataset_facts(), shards, others=[], published="2026-11-28")


def test_a_shard_that_differs_from_its_manifest_leaves_nothing(
    shards: list[StoredShard], tmp_path: Path
) -> None:
    with shards[-1].source.open("ab") as file:
        file.write(b"x")
    out = tmp_path / "other" / "out"
    with pytest.raises(StoreError, match="differs from its manifest"):
        write_dataset(out, dataset_facts(), shards, others=[], published="2026-11-28")
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize(("number", "stage"), [(0, "vocabulary"), (1, "learn-bpe")])
@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_damaged_vocabulary_or_merges_leave_nothing(
    shards: list[StoredShard], tmp_path: Path, number: int, stage: str, damage: str
) -> None:
    others = further_files(tmp_path)
    others[number].unlink()
    if damage == "changed":
        others[number].write_text("x")
    out = tmp_path / "other" / "out"
    with pytest.raises(StoreError, match=rf"differs from its manifest; .*--until {stage}`"):
        write_dataset(out, dataset_facts(), shards, others=others, published="2026-11-28")
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize("record", [None, {}, {"finished": ""}, {"finished": "yesterday"}])
def test_the_day_is_that_of_the_manifest_if_none_is_recorded(
    tmp_path: Path, record: dict[str, str] | None
) -> None:
    days = []
    for name, seconds in (("en", 1_764_300_000), ("sw", 1_764_500_000)):
        (tmp_path / name).mkdir()
        if record is not None:
            (tmp_path / name / "run.json").write_text(json.dumps(record))
        write_manifest(tmp_path / name, "shard")
        os.utime(tmp_path / name / "manifest.json", (seconds, seconds))
        days.append(tmp_path / name)
    assert newest_day(days) == "2025-11-30"
    finished = {"finished": "2026-11-28T23:30:00-02:00"}
    (tmp_path / "en" / "run.json").write_text(json.dumps(finished))
    assert newest_day(days) == "2026-11-29"
