"""Records of jobs that are damaged, or that somebody else wrote."""

import json

import pytest

from tests.cli.activity.test_jobs import row, slurm, staging, start, store
from tests.cluster.slurm.fake_command import FakeSlurm
from xlm.cli.activity.cancel import print_cancelled
from xlm.cluster.hold import abandon_job, job_directory
from xlm.config.launcher.launcher import LauncherConfig
from xlm.errors import ClusterError, StoreError
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


NAME = "xlm-pretrain-aaaaaaaaaaaa-0123ab"
DAMAGE = {
    "cut": b'{"name": "xlm-pre',
    "empty": b"",
    "of another job": b'{"name": "a"}',
    "none": None,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_job_with_a_damaged_record_is_cancelled_by_the_name_in_the_hold(
    store: ArtifactStore,
    staging: Staging,
    slurm: FakeSlurm,
    capsys: pytest.CaptureFixture[str],
    damage: str,
) -> None:
    staging.hold.write_text(f"slurm {NAME}\n")
    record, contents = job_directory(staging) / "job.json", DAMAGE[damage]
    record.unlink() if contents is None else record.write_bytes(contents)
    found = row(store, capsys)
    assert (found["job"], found["state"]) == (NAME, "running")
    slurm.answers("squeue", {"output": ""})
    print_cancelled("pretrain", str(store.root))
    assert [call["arguments"][-1] for call in slurm.asked("scancel")] == [f"--name={NAME}"]
    assert not staging.hold.exists()


@pytest.mark.parametrize("damage", DAMAGE)
def test_files_are_discarded_after_a_job_with_a_damaged_record_has_ended(
    staging: Staging, slurm: FakeSlurm, damage: str
) -> None:
    """`xlm run --refresh pretrain`, or an input that was damaged."""
    settings = LauncherConfig(kind="slurm")
    record, contents = job_directory(staging) / "job.json", DAMAGE[damage]
    record.unlink() if contents is None else record.write_bytes(contents)
    with pytest.raises(ClusterError, match=r"may still write .*its name cannot be read; look for"):
        abandon_job(settings, staging.scratch)
    staging.hold.write_text(f"slurm {NAME}\n")
    slurm.answers("squeue", {"output": ""})
    abandon_job(settings, staging.scratch)
    assert [call["arguments"][-1] for call in slurm.asked("scancel")] == [f"--name={NAME}"]


def test_a_run_that_waits_removes_the_hold_itself(
    store: ArtifactStore, staging: Staging, slurm: FakeSlurm
) -> None:
    slurm.answers("squeue", {"output": ""})
    with store.lock("pretrain", staging.base.name):
        print_cancelled("pretrain", str(store.root))
        assert staging.hold.exists()
    print_cancelled("pretrain", str(store.root))
    assert not staging.hold.exists()
