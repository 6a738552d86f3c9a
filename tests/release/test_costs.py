"""The measured times of all artifacts that a model was made from."""

import shutil
from pathlib import Path

import pytest

from tests.cli.recorded_runs import RecordedRuns
from tests.release.artifacts import write_manifest
from xlm.release.costs import StageTimes, gpu_processes, read_costs


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


def test_gpus_are_counted_for_the_whole_time_of_their_processes(tmp_path: Path) -> None:
    directory = tmp_path / "artifacts" / "pretrain" / "key"
    directory.mkdir(parents=True)
    (directory / "run.json").write_text('{"wall_seconds": 10.0, "cpu_seconds": 3.0}')
    for device, seconds in (("cuda", 80.0), ("cpu", 0.0)):
        settings = {"pretrain": {"device": device, "processes": 8}}
        write_manifest(directory, "pretrain", resolved_config=settings)
        assert read_costs([directory])["pretrain"].gpu_seconds == seconds


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
    assert gpu_processes(stage, {section: {"device": "cuda", **settings}}) == gpus
    assert gpu_processes(stage, {section: {"device": "cpu", **settings}}) == 0
