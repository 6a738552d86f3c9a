"""The agent with real processes: exit codes, outcomes, restarts, signals and kills."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster.fakes import make_job
from tests.repository import REPOSITORY
from xlm.cluster.agent import newest_checkpoint
from xlm.cluster.job import ClusterJob
from xlm.cluster.records import AGAIN_FILE, Attempt, End, JobRecords, NodeEnd, Outcome

pytestmark = pytest.mark.slow

_PATIENCE_SECONDS = 120.0
_WORKER = """
import json, os, pathlib, signal, sys, time
rank, job = int(os.environ["RANK"]), pathlib.Path(sys.argv[1])
plan = json.loads(job.read_text())["plan"][rank]
names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "COLOUR")
print(json.dumps({name: os.environ.get(name) for name in names}), flush=True)
report = job.with_suffix(f".failure-{rank}.json")
def leave(number, frame):
    time.sleep(0.3)
    os._exit(75)
for number in (signal.SIGTERM, signal.SIGUSR1):
    signal.signal(number, leave)
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM, signal.SIGUSR1])
(job.parent / f"started-{rank}").touch()
for step in plan:
    if isinstance(step, dict):
        report.write_text(json.dumps(step))
    elif step == "sleep":
        time.sleep(600)
    elif step == "save":
        folder = job.parent / "checkpoints" / f"update-{time.time_ns()}"
        folder.mkdir(parents=True)
    elif step == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    else:
        sys.exit(step)
"""
_PEER_LOST = {"kind": "PeerLostError", "what": "process 0 is gone", "fix": ""}
_DIVERGED = {"kind": "TrainingError", "what": "the loss is not finite", "fix": "lower the rate"}


class Job:
    """A job whose processes follow a plan."""

    def __init__(self, directory: Path, **changes: object) -> None:
        modules = directory / "modules"
        modules.mkdir(parents=True)
        (modules / "planned_worker.py").write_text(_WORKER, encoding="utf-8")
        environment = {"PYTHONPATH": f"{REPOSITORY}:{modules}", "COLOUR": "grün mit Leerzeichen"}
        values = {
            "module": "planned_worker",
            "processes_per_node": 2,
            "environment": environment,
            "checkpoints": ("checkpoints/update-*",),
            "save_seconds": 5.0,
        }
        self.job: ClusterJob = replace(make_job(directory), **(values | changes))  # type: ignore[arg-type]
        self.records = JobRecords(self.job.directory)
        self.records.write_job(self.job)

    def plan(self, *plan: list[object]) -> None:
        self.job.job_file.write_text(json.dumps({"plan": plan}), encoding="utf-8")

    @contextmanager
    def agent(self, **variables: str) -> Iterator["subprocess.Popen[bytes]"]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "xlm.cluster.agent", str(self.job.record)],
            cwd=REPOSITORY,
            env={**os.environ, **variables},
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def run(self, *plan: list[object], **variables: str) -> int:
        self.plan(*plan)
        with self.agent(**variables) as process:
            return process.wait(_PATIENCE_SECONDS)

    def wait_for_start(self, rank: int = 0) -> None:
        self.wait_until((self.job.job_file.parent / f"started-{rank}").exists)

    @staticmethod
    def wait_until(happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not happened():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    @property
    def outcome(self) -> Outcome:
        outcome = self.records.outcome()
        assert outcome is not None
        return outcome

    @property
    def wants_again(self) -> bool:
        return (self.job.directory / AGAIN_FILE).exists()

    def processes(self) -> list[int]:
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if str(self.job.job_file).encode() in (path / "cmdline").read_bytes():
                    found.append(int(path.name))
        return found


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path / "für alle's")


@pytest.mark.parametrize(
    ("plan", "code", "end", "again"),
    [
        (([0], [0]), 0, End.DONE, False),
        (([75], [75]), 75, End.STOPPED, True),
        (([75], [0]), 75, End.STOPPED, True),
        (([_DIVERGED, 3], ["sleep"]), 3, End.CANNOT_GO_ON, False),
        # Two that lost each other: the cause is unknown, and may be gone next time.
        (([_PEER_LOST, 3], [_PEER_LOST, 3]), 1, End.FAILED, True),
        (([_PEER_LOST, 3], [_DIVERGED, 3]), 3, End.CANNOT_GO_ON, False),
        (([1], [75]), 1, End.FAILED, True),
        (([_PEER_LOST, 3], ["kill"]), 1, End.FAILED, True),
    ],
)
def test_exit_codes_are_those_of_the_processes(
    job: Job, plan: tuple[list[object], list[object]], code: int, end: End, again: bool
) -> None:
    assert job.run(*plan, XLM_JOB_ID="4711") == code
    assert (job.outcome.end, job.wants_again, job.outcome.job_id) == (end, again, "4711")
    (attempt,) = job.records.attempts()
    assert (attempt.end, attempt.checkpoint) == (end, "")
    assert job.processes() == []


def test_the_reason_of_a_killed_process_is_its_log(job: Job) -> None:
    job.run([_PEER_LOST, 3], ["kill"])
    assert job.outcome.reason.startswith("process 1 was killed by SIGKILL: ")
    assert "WORLD_SIZE" in job.outcome.reason


def test_each_process_knows_its_place(tmp_path: Path) -> None:
    job = Job(tmp_path, nodes=2)
    variables = {"XLM_NODE_RANK": "1", "XLM_MAIN_ADDRESS": "n1", "XLM_MAIN_PORT": "2000"}
    assert job.run([], [], [0], [0], **variables) == 0
    shown: Mapping[str, str] = json.loads(job.job.log_of(3).read_text())
    assert shown == {
        "RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "4", "MASTER_ADDR": "n1",
        "MASTER_PORT": "2000", "COLOUR": "grün mit Leerzeichen",
    }  # fmt: skip
    # Only the agent of the first node reports for the job.
    assert job.records.outcome() is None
    (node,) = job.records.nodes()
    assert node.exit_code == 0
    assert node.peak_memory_bytes > 1_000_000


def test_processes_do_not_wait_for_a_node_that_has_failed(tmp_path: Path) -> None:
    """A process may hang in a collective for half an hour when another one is gone."""
    job = Job(tmp_path, nodes=2, processes_per_node=1)
    job.run(["sleep"], [1], XLM_NODE_RANK="1")  # the record of an earlier attempt does not count
    job.plan(["sleep"], [_DIVERGED, 3])
    with job.agent() as first:
        job.wait_for_start(0)
        # Nor does that of a node which was lost then, and ends now.
        lost = NodeEnd(exit_code=1, cpu_seconds=1, peak_memory_bytes=1, start="4711/29400")
        job.records.write_node(1, lost)
        time.sleep(5)
        assert first.poll() is None
        with job.agent(XLM_NODE_RANK="1") as second:
            assert second.wait(_PATIENCE_SECONDS) == 3
        assert first.wait(_PATIENCE_SECONDS) == 3
    assert (job.outcome.end, job.wants_again) == (End.CANNOT_GO_ON, False)
    assert job.outcome.reason == _DIVERGED["what"]
    assert job.processes() == []


def test_a_node_that_fails_without_a_report_is_a_failure_of_the_job(tmp_path: Path) -> None:
    job = Job(tmp_path, nodes=2, processes_per_node=1)
    job.plan(["sleep"], ["kill"])
    with job.agent() as first:
        job.wait_for_start(0)
        with job.agent(XLM_NODE_RANK="1") as second:
            assert second.wait(_PATIENCE_SECONDS) == 1
        assert first.wait(_PATIENCE_SECONDS) == 1
    assert (job.outcome.end, job.wants_again) == (End.FAILED, True)
    assert job.outcome.reason == "node 1 failed with exit code 1; see its log"


def test_a_node_of_a_job_that_is_done_starts_nothing(tmp_path: Path) -> None:
    job = Job(tmp_path, nodes=2, processes_per_node=1)
    job.run([0], ["sleep"])
    assert job.run([0], ["sleep"], XLM_NODE_RANK="1") == 0


@pytest.mark.parametrize(("number", "again"), [(signal.SIGTERM, False), (signal.SIGUSR1, True)])
def test_a_signal_saves_and_a_notice_asks_for_another_start(
    job: Job, number: signal.Signals, again: bool
) -> None:
    """Slurm sends SIGTERM to a cancelled job, which must not come back."""
    job.plan(["sleep"], ["sleep"])
    with job.agent() as process:
        job.wait_for_start(0)
        job.wait_for_start(1)
        process.send_signal(number)
        assert process.wait(_PATIENCE_SECONDS) == 75
    assert job.wants_again == again


def test_a_start_clears_what_an_earlier_one_reported(job: Job) -> None:
    job.run([75], [75])
    job.job.job_file.with_suffix(".failure-0.json").write_text(json.dumps(_DIVERGED))
    assert job.run([1], [0]) == 1
    assert job.outcome.end == End.FAILED
    assert len(job.records.attempts()) == 2


def test_failed_attempts_ask_for_another_start_up_to_the_limit(job: Job) -> None:
    wanted = []
    for _ in range(3):
        job.run([1], [0])
        wanted.append(job.wants_again)
    assert wanted == [True, True, False]


def test_a_job_that_is_done_is_not_done_again(job: Job) -> None:
    """A duplicate of a lost answer starts when the first has ended."""
    assert job.run([0], [0]) == 0
    assert job.run([1], [1]) == 0
    assert len(job.records.attempts()) == 1


def test_restarts_without_a_newer_checkpoint_are_limited(tmp_path: Path) -> None:
    job = Job(tmp_path, max_idle_restarts=2)
    codes = [job.run([75], [75]) for _ in range(4)]
    assert codes == [75, 75, 75, 3]
    assert job.outcome.end == End.CANNOT_GO_ON
    assert "started 3 times without a newer checkpoint" in job.outcome.reason
    assert not job.wants_again


def test_restarts_with_newer_checkpoints_are_not(tmp_path: Path) -> None:
    job = Job(tmp_path, max_idle_restarts=1)
    assert [job.run(["save", 75], [75]) for _ in range(4)] == [75] * 4
    assert newest_checkpoint(job.job).startswith("checkpoints/update-")


@pytest.mark.fault
def test_processes_end_with_a_killed_agent(job: Job) -> None:
    job.plan(["sleep"], ["sleep"])
    with job.agent() as process:
        job.wait_for_start(1)
        process.kill()
        job.wait_until(lambda: not job.processes())
    assert job.records.outcome() is None


@pytest.mark.fault
def test_an_attempt_ends_when_a_later_one_takes_over(job: Job) -> None:
    job.plan(["sleep"], ["sleep"])
    with job.agent() as process:
        job.wait_for_start(1)
        later = Attempt(token="later", started_at=0, job_id="", checkpoint="", host="other")
        job.records.write_attempts([*job.records.attempts(), later])
        assert process.wait(_PATIENCE_SECONDS) == 1
    assert job.records.outcome() is None
    assert job.processes() == []


@pytest.mark.fault
def test_an_attempt_ends_when_its_folder_is_removed(job: Job) -> None:
    job.plan(["sleep"], ["sleep"])
    with job.agent() as process:
        job.wait_for_start(1)
        for path in job.job.directory.iterdir():
            path.unlink()
        assert process.wait(_PATIENCE_SECONDS) == 1
    assert job.processes() == []


@pytest.mark.fault
def test_a_later_node_does_not_make_a_removed_folder_again(tmp_path: Path) -> None:
    job = Job(tmp_path / "build", nodes=2, processes_per_node=1)
    job.plan(["sleep"], ["sleep"])
    with job.agent(XLM_NODE_RANK="1") as process:
        job.wait_for_start(1)
        processes = [number for number in job.processes() if number != process.pid]
        shutil.rmtree(job.job.directory)
        for number in processes:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        assert process.wait(_PATIENCE_SECONDS) == 1
    assert not job.job.directory.exists()


def test_a_job_without_a_record_is_not_started(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.job.record.unlink()
    assert job.run([0], [0]) == 3
