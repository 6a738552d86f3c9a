"""Records of jobs that are damaged, or that somebody else wrote."""

import json

import pytest

from tests.cli.activity.test_jobs import row, slurm, staging, start, store
from tests.cluster.slurm.fake_command import FakeSlurm
from xlm.cli.activity.cancel import print_cancelled
from xlm.cluster.hold import job_directory
from xlm.errors import StoreError
from xlm.store.artifact import Staging
from xlm.store.store import ArtifactStore

__all__ = ["slurm", "staging", "store"]


@pytest.mark.parametrize("time", ["1e300", "NaN", "-1e18"])
def test_damaged_values_are_left_out(
    store: ArtifactStore,
    staging: Staging,
    slurm: FakeSlurm,
    capsys: pytest.CaptureFixture[str],
    time: str,
) -> None:
    start(staging)
    path = job_directory(staging) / "attempts.jsonl"
    path.write_text(path.read_text().replace("1795942939.0", time))
    (path.parent / "submission-1 (copy).json").write_text("{}")
    (path.parent / "submission-x.json").write_text("{}")
    (staging.logs / "speed.jsonl").write_text('{"step": "x", "total": [1]}\n')
    shown = row(store, capsys)
    assert shown["state"] == "running"
    assert shown["step"] is None


@pytest.mark.parametrize("name", ["", "a,b", "xlm-pretrain-0,other", "--user=root"])
def test_only_our_jobs_are_cancelled(
    store: ArtifactStore, staging: Staging, slurm: FakeSlurm, name: str
) -> None:
    path = job_directory(staging) / "job.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "name": name}))
    with pytest.raises(StoreError, match=r"records cannot be read; .*slurm job.* remove .*held"):
        print_cancelled("pretrain", str(store.root))
    assert slurm.asked("scancel") == []
    assert staging.hold.exists()


def test_a_run_that_waits_removes_the_hold_itself(
    store: ArtifactStore, staging: Staging, slurm: FakeSlurm
) -> None:
    slurm.answers("squeue", {"output": ""})
    with store.lock("pretrain", staging.base.name):
        print_cancelled("pretrain", str(store.root))
        assert staging.hold.exists()
    print_cancelled("pretrain", str(store.root))
    assert not staging.hold.exists()
