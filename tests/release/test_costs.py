"""The measured times of all artifacts that a model was made from."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.recorded_runs import RecordedRuns
from tests.release.artifacts import write_manifest
from xlm.release.costs import StageTimes, gpu_time, read_costs, unrecorded_line


def test_all_stages_upstream_are_counted_once(tmp_path: Path) -> None:
    artifacts = RecordedRuns(tmp_path).add()
    inputs = [artifacts[stage].directory for stage in ("evaluate", "pretrain")]
    one = StageTimes(cpu_seconds=1.0, units=1)
    assert read_costs(inputs) == {"evaluate": one, "pretrain": one, "tokenize": one}


def test_an_artifact_that_is_gone_is_counted_as_not_measured(tmp_path: Path) -> None:
    artifacts = RecordedRuns(tmp_path).add()
    shutil.rmtree(artifacts["tokenize"].directory)
    costs = read_costs([artifacts["evaluate"].directory])
    assert costs["tokenize"] == StageTimes(unmeasured=1)
    assert costs["pretrain"].units == 1


@pytest.mark.parametrize(
    ("device", "recorded", "seconds", "unrecorded"),
    [
        # In the queue for 10 hours, then 8 processes ran for a minute, and for two minutes before.
        ("cuda", {"process_seconds": 8 * 180.0}, 8 * 180.0, 0),
        ("cuda", {"process_seconds": 0.0}, 0.0, 0),
        ("cpu", {"process_seconds": 8 * 180.0}, 0.0, 0),
        ("cuda", {}, 8 * 36_060.0, 1),
        ("cpu", {}, 0.0, 0),
    ],
)
def test_the_time_of_gpus_is_that_of_their_processes(
    tmp_path: Path, device: str, recorded: dict[str, float], seconds: float, unrecorded: int
) -> None:
    directory = tmp_path / "artifacts" / "pretrain" / "key"
    directory.mkdir(parents=True)
    run = {"wall_seconds": 36_060.0, "cpu_seconds": 3.0} | recorded
    (directory / "run.json").write_text(json.dumps(run))
    settings = {"pretrain": {"device": device, "processes": 8}}
    write_manifest(directory, "pretrain", resolved_config=settings)
    expected = StageTimes(3.0, seconds, units=1, unrecorded=unrecorded)
    assert read_costs([directory]) == {"pretrain": expected}


def test_artifacts_of_earlier_versions_are_named() -> None:
    assert unrecorded_line(0) == ""
    assert "of 1 artifact of an earlier version are wall time" in unrecorded_line(1)
    assert "of 2 artifacts of earlier versions are wall time" in unrecorded_line(2)


@pytest.mark.parametrize(
    ("stage", "section", "settings", "gpus"),
    [
        ("finetune", "finetune", {"processes": 4, "restarts": 1}, 1),
        ("finetune", "finetune", {"processes": 2, "restarts": 3}, 2),
        ("score", "evaluate", {"processes": 4}, 1),
        ("evaluate", "evaluate", {"processes": 4}, 4),
        ("select", "finetune", {"processes": 4, "restarts": 4}, 0),
    ],
)
def test_a_gpu_is_counted_for_each_process_that_a_stage_starts(
    stage: str, section: str, settings: dict[str, int], gpus: int
) -> None:
    run = {"wall_seconds": 10.0}
    on_gpus = gpu_time(stage, {section: {"device": "cuda", **settings}}, run)
    assert on_gpus == (10.0 * gpus, gpus == 0)
    assert gpu_time(stage, {section: {"device": "cpu", **settings}}, run) == (0.0, True)
