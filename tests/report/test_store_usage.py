"""Sizes by stage and by run, and the facts about one artifact."""

from pathlib import Path

import pytest

from tests.cli.recorded_runs import RecordedRuns
from xlm.errors import StoreError
from xlm.report.artifact_facts import artifact_facts
from xlm.report.store_usage import other_usage, run_usage, stage_usage
from xlm.store.stored import find_artifact


@pytest.fixture
def runs(tmp_path: Path) -> RecordedRuns:
    return RecordedRuns(tmp_path / "data")


def test_sizes_are_those_of_the_files(runs: RecordedRuns) -> None:
    first = runs.add(name="base")
    second = runs.add(seed=1)
    sizes = {
        number: {stage: one.manifest.size_bytes for stage, one in artifacts.items()}
        for number, artifacts in (("1", first), ("2", second))
    }
    stages = {row.stage: (row.artifacts, row.size_bytes) for row in stage_usage(runs.store)}
    assert stages == {
        "tokenize": (1, sizes["1"]["tokenize"]),
        "pretrain": (2, sizes["1"]["pretrain"] + sizes["2"]["pretrain"]),
        "evaluate": (2, sizes["1"]["evaluate"] + sizes["2"]["evaluate"]),
    }
    assert list(stages) == ["tokenize", "pretrain", "evaluate"]  # the order of the pipeline
    for row in run_usage(runs.store):
        assert row.artifacts == 3
        assert row.size_bytes == sum(sizes[row.number].values())
        # Both runs use the same text.
        assert row.own_bytes == row.size_bytes - sizes[row.number]["tokenize"]
    assert list(other_usage(runs.store)) == []
    (runs.root / "cache").mkdir()
    (runs.root / "cache" / "catalogue").write_bytes(bytes(10))
    assert list(other_usage(runs.store)) == [("cache", 10)]


def test_unfinished_builds_are_counted_apart(runs: RecordedRuns) -> None:
    staging = runs.store.open_staging("pretrain", "a" * 24)
    (staging.scratch / "checkpoint").write_bytes(bytes(1000))
    (row,) = stage_usage(runs.store)
    assert (row.stage, row.artifacts, row.size_bytes, row.staging_bytes) == ("pretrain", 0, 0, 1000)


def test_an_artifact_has_siblings_inputs_and_users(runs: RecordedRuns) -> None:
    first = runs.add(name="base")["pretrain"]
    runs.add(seed=1)
    facts = artifact_facts(runs.store, find_artifact(runs.store, first.manifest.key))
    assert [one.stage for one in facts.siblings] == ["pretrain"]
    assert {row.name: row.values for row in facts.differences if row.name != "digest"} == {
        "pretrain.seed": (0, 1)
    }
    assert [(one.role, one.stage, one.unit, one.is_here) for one in facts.upstream] == [
        ("data.sw", "tokenize", "sw", True)
    ]
    assert [one.stage for one in facts.dependents] == ["evaluate"]
    assert facts.runs == ("base",)
    assert (facts.wall_seconds, facts.finished) == (61.0, "2026-11-28T17:49:00+00:00")


def test_missing_inputs_and_damaged_manifests_are_said(runs: RecordedRuns) -> None:
    artifacts = runs.add()
    artifacts["tokenize"].directory.rename(runs.root / "elsewhere")
    key = artifacts["pretrain"].manifest.key
    facts = artifact_facts(runs.store, find_artifact(runs.store, key))
    assert not facts.upstream[0].is_here
    (artifacts["pretrain"].directory / "manifest.json").write_text("{")
    with pytest.raises(StoreError, match=r"the manifest of .* cannot be read"):
        artifact_facts(runs.store, find_artifact(runs.store, key))
