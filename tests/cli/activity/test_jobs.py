"""`xlm status`, `xlm logs` and `xlm cancel` for a job of Slurm that nobody waits for."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.fakes import make_job
from tests.cluster.slurm.fake_command import FakeSlurm
from xlm.cli.activity.cancel import print_cancelled
from xlm.cli.activity.logs import print_logs
from xlm.cli.activity.status import print_status
from xlm.cluster.hold import job_directory
from xlm.cluster.records import Attempt, End, JobRecords, Outcome
from xlm.config.launcher.launcher import LauncherConfig
from xlm.errors import ClusterError, StoreError
from xlm.store.artifact import Staging
from xlm.store.disk.locks import build_lock
from xlm.store.store import ArtifactStore
from xlm.store.underway import note_build

KEY = "a" * 24
RUNNING = {"output": "4711|RUNNING|1795942939|n[1-2]|None\n"}
CANCELLED = {"output": "4711|CANCELLED|1795942939|n[1-2]|None\n"}


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    fake = FakeSlurm(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    fake.answers("squeue", RUNNING)
    return fake


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore.open(str(tmp_path / "data"))


@pytest.fixture
def staging(store: ArtifactStore) -> Staging:
    """The folder of a pretraining, whose job 4711 was submitted by a run that is gone."""
    staging = store.open_staging("pretrain", KEY)
    note_build(staging, {"unit": "all"}, "login1")
    (staging.logs / "processes.log").write_text("update 1\n")
    directory = job_directory(staging)
    records = JobRecords(directory)
    records.token()
    records.write_job(make_job(staging.base))
    records.write_launcher(LauncherConfig(kind="slurm", environment={"A": "b"}))
    submission = records.begin_submission((), number=1, created_at=time.time())
    assert submission is not None
    records.note_id(submission, "4711")
    staging.hold.write_text("slurm job\n")
    return staging


def row(store: ArtifactStore, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    print_status(str(store.root), as_json=True)
    (found,) = json.loads(capsys.readouterr().out)
    return dict(found)


def start(staging: Staging) -> JobRecords:
    records = JobRecords(job_directory(staging))
    attempt = Attempt(
        token="t", started_at=1_795_942_939.0, job_id="4711", checkpoint="", host="n1"
    )
    records.write_attempts([attempt])
    return records


def test_a_job_is_shown_with_its_id_and_nodes(
    store: ArtifactStore, staging: Staging, slurm: FakeSlurm, capsys: pytest.CaptureFixture[str]
) -> None:
    slurm.answers("squeue", {"output": "4711|PENDING|N/A||Priority\n"})
    waiting = row(store, capsys)
    assert (waiting["state"], waiting["place"]) == ("pending", "slurm job 4711")
    slurm.answers("squeue", RUNNING)
    start(staging)
    running = row(store, capsys)
    assert (running["node"], running["state"]) == ("pretrain", "running")
    assert running["place"] == "slurm job 4711 on n[1-2]"
    assert running["began"] == "2026-11-29T09:02:19+00:00"
    assert running["seconds"] is not None
    assert running["job"].startswith("xlm-pretrain-")


@pytest.mark.parametrize(
    ("answer", "end", "state"),
    [
        ({"status": 1, "errors": "Unable to contact slurm controller"}, None, "unknown"),
        ({"output": "4711|NEW_STATE|1||None\n"}, None, "unknown"),
        (CANCELLED, None, "stopped"),
        ({"output": ""}, End.DONE, "done"),
        ({"status": 1, "errors": "Unable to contact slurm controller"}, End.DONE, "done"),
        ({"output": ""}, End.FAILED, "stopped"),
    ],
)
def test_states_of_a_job(
    store: ArtifactStore,
    staging: Staging,
    slurm: FakeSlurm,
    capsys: pytest.CaptureFixture[str],
    answer: dict[str, Any],
    end: End | None,
    state: str,
) -> None:
    slurm.answers("squeue", answer)
    if end is not None:
        start(staging).write_outcome(Outcome(end=end, job_id="4711"), again=False)
    assert row(store, capsys)["state"] == state


def test_without_the_client_the_records_are_shown(
    store: ArtifactStore,
    staging: Staging,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    if Path("/usr/bin/squeue").exists():
        monkeypatch.setenv("PATH", "/bin/none")
    found = row(store, capsys)
    assert (found["state"], found["place"]) == ("unknown", "slurm job 4711")


def test_follow_ends_with_a_job_that_was_killed(
    store: ArtifactStore, staging: Staging, slurm: FakeSlurm, capsys: pytest.CaptureFixture[str]
) -> None:
    slurm.answers("squeue", CANCELLED)
    print_logs("pretrain", None, True, 0, str(store.root))
    assert capsys.readouterr().out == "update 1\n"


def test_a_job_is_cancelled_by_the_name_of_its_stage(
    store: ArtifactStore, staging: Staging, slurm: FakeSlurm, capsys: pytest.CaptureFixture[str]
) -> None:
    slurm.answers("squeue", RUNNING, CANCELLED)
    name = row(store, capsys)["job"]
    print_cancelled("pretrain", str(store.root))
    assert capsys.readouterr().out == f"job {name} cancelled; the next run continues it\n"
    assert [f"--name={name}" in call["arguments"] for call in slurm.asked("scancel")] == [True]
    assert not staging.hold.exists()
    with pytest.raises(StoreError, match=r"builds 'pretrain' .*; its build was stopped before;"):
        print_cancelled("pretrain", str(store.root))
    with (
        build_lock(store.root / "locks", f"pretrain.{KEY}"),
        pytest.raises(StoreError, match=r"builds 'pretrain' .*; it runs on login1, without a"),
    ):
        print_cancelled("pretrain", str(store.root))


def test_a_job_that_does_not_end_keeps_its_hold(
    store: ArtifactStore, staging: Staging, slurm: FakeSlurm
) -> None:
    slurm.answers("scancel", {"status": 1, "errors": "Unable to contact slurm controller"})
    message = r"job xlm-.* may still run: scancel failed.* cancels it as soon as .* answers; if"
    with pytest.raises(ClusterError, match=message):
        print_cancelled(KEY[:9], str(store.root))
    assert staging.hold.exists()
    assert JobRecords(job_directory(staging)).is_cancelled()


def test_nothing_to_cancel(store: ArtifactStore) -> None:
    with pytest.raises(StoreError, match="no job of a cluster builds 'finetune'"):
        print_cancelled("finetune", str(store.root))


def test_the_settings_of_the_launcher_are_recorded_without_its_environment(
    staging: Staging,
) -> None:
    records = JobRecords(job_directory(staging))
    found = records.launcher()
    assert found == LauncherConfig(kind="slurm")
    assert '"A"' not in (records.directory / "launcher.json").read_text()
