"""The trial job: our agent in a process of this machine, with a scheduler that only starts it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.fakes import FakeScheduler
from xlm.cluster.checks import trial, trial_process
from xlm.cluster.checks.check import Check, Verdict, caught
from xlm.cluster.checks.trial import run_trial
from xlm.cluster.job import ClusterJob, JobState, SeenJob
from xlm.config.reading.resolve import resolve

pytestmark = pytest.mark.slow


class ProcessScheduler(FakeScheduler):
    """Runs the agent of a job as a process."""

    def __init__(self) -> None:
        super().__init__()
        self.process: subprocess.Popen[bytes] | None = None
        self.command = ["-m", "xlm.cluster.agent"]

    def submit(self, job: ClusterJob) -> str:
        job_id = super().submit(job)
        self.process = subprocess.Popen([sys.executable, "-P", *self.command, str(job.record)])
        self.becomes(JobState.RUNNING)
        return job_id

    def find(self, name: str) -> list[SeenJob]:
        if self.process is not None and self.process.poll() is not None:
            self.becomes(JobState.FAILED if self.process.returncode else JobState.SUCCEEDED)
        return super().find(name)

    def cancel(self, name: str, *, kill: bool = False) -> None:
        super().cancel(name, kill=kill)
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def scheduler(monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessScheduler]:
    """The scheduler of every configuration."""
    made = ProcessScheduler()
    monkeypatch.setattr(trial, "scheduler_of", lambda settings: made)
    monkeypatch.setattr(trial, "SETTLE_SECONDS", 1.0)
    monkeypatch.setattr(trial, "_POLL_SECONDS", 0.1)
    yield made
    assert made.process is None or made.process.poll() is not None


def _run(root: Path, *overrides: str, wait_seconds: float = 120) -> dict[str, Check]:
    config = resolve("sample", ("launcher.kind=slurm", *overrides), ())
    lines: list[str] = []
    found = caught(
        "trial job", run_trial(config, root, wait_seconds=wait_seconds, report=lines.append)
    )
    checks = {check.name: check for check in found}
    assert "is submitted" in lines[0]
    assert all(check.fix for check in checks.values() if check.verdict != Verdict.OK)
    return checks


def test_a_node_reports_what_it_sees_and_nothing_is_left(
    scheduler: ProcessScheduler, tmp_path: Path
) -> None:
    checks = _run(tmp_path / "store", "pretrain.device=cuda", "launcher.slurm.nodes=2")
    assert list(checks) == [
        "trial job", "store on the node", "versions on the node", "GPU on the node"
    ]  # fmt: skip
    verdicts = [check.verdict.value for check in checks.values()]
    assert verdicts[:3] == ["ok", "ok", "ok"], checks
    # This machine may have a GPU.
    assert "sees no GPU on" in checks["GPU on the node"].found or verdicts[3] == "ok"
    assert os.uname().nodename in checks["store on the node"].found
    assert list(tmp_path.iterdir()) == []
    (job,) = scheduler.submitted
    assert (job.nodes, job.processes_per_node, job.max_attempts) == (1, 1, 1)


def test_a_store_that_exists_stays(scheduler: ProcessScheduler, tmp_path: Path) -> None:
    (tmp_path / "artifacts").mkdir()
    scheduler.command = ["-c", "import sys; sys.exit(7)"]
    checks = _run(tmp_path)
    assert checks["trial job"].has_failed
    assert "it ended without an answer: FAILED" in checks["trial job"].found
    assert [path.name for path in tmp_path.iterdir()] == ["artifacts"]


def test_the_last_line_of_the_log_is_shown(scheduler: ProcessScheduler, tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "log = pathlib.Path(sys.argv[1]).with_name('slurm-1.log')\n"
        "log.write_text('first\\nNo module named xlm\\n')\n"
        "sys.exit(1)\n"
    )
    scheduler.command = ["-c", program]
    assert _run(tmp_path)["trial job"].found.endswith("its last line: No module named xlm")


def test_a_refused_job_is_a_failed_check(scheduler: ProcessScheduler, tmp_path: Path) -> None:
    scheduler.refusal = "Slurm refused the job: invalid account"
    found = _run(tmp_path)["trial job"]
    assert (found.found, found.fix) == ("Slurm refused the job: invalid account", "ask for less")
    assert list(tmp_path.iterdir()) == []


def test_a_job_that_waits_too_long_is_cancelled(
    scheduler: ProcessScheduler, tmp_path: Path
) -> None:
    scheduler.command = ["-c", "import time; time.sleep(600)"]
    found = _run(tmp_path, wait_seconds=1)["trial job"]
    assert "it has not ended after 1 s: RUNNING" in found.found
    assert scheduler.cancelled
    assert list(tmp_path.iterdir()) == []


def test_a_scheduler_that_cannot_cancel_is_reported(
    scheduler: ProcessScheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = scheduler.find

    def find(name: str) -> list[SeenJob]:
        if scheduler.process is not None:
            scheduler.process.kill()
            scheduler.is_down = True
        return original(name)

    monkeypatch.setattr(scheduler, "find", find)
    found = _run(tmp_path, wait_seconds=1)["trial job"]
    assert "could not be removed: no answer" in found.found
    assert "cancel it with the tools of the cluster, then remove" in found.fix


@pytest.fixture
def heard_ctrl_c() -> Iterator[None]:
    """Ctrl-C as in a terminal: background processes of a shell ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard_ctrl_c")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_removes_the_job_and_its_files(
    scheduler: ProcessScheduler, tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler.command = ["-c", "import time; time.sleep(600)"]
    before = signal.getsignal(number)

    def sleep(seconds: float) -> None:
        os.kill(os.getpid(), number)

    monkeypatch.setattr(trial.time, "sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path)
    assert scheduler.cancelled
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(number) == before


@pytest.mark.parametrize(
    ("package", "version", "verdict"),
    [("torch", "1.0", "warning"), ("torch", "missing", "failed"),
     ("xlm-pipeline", "0.0.1", "failed")],
)  # fmt: skip
def test_other_versions_on_the_node(
    package: str, version: str, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {"Python": "3.11.2", "torch": "2.13", "xlm-pipeline": "0.1.0"}
    monkeypatch.setattr(trial, "own_versions", lambda: here)
    found = trial._versions("n1", here | {package: version})
    assert found.verdict == verdict
    assert found.found == f"n1 has {package} {version} (here {here[package]})"
    assert trial._versions("n1", dict(here)).verdict == Verdict.OK


def test_a_node_that_sees_another_store(scheduler: ProcessScheduler, tmp_path: Path) -> None:
    program = (
        "import pathlib, sys\n"
        "pathlib.Path(sys.argv[1]).parents[1].joinpath('question').write_text('other')\n"
        "from xlm.cluster.agent import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    scheduler.command = ["-c", program]
    checks = _run(tmp_path)
    assert checks["trial job"].verdict == Verdict.OK
    assert checks["store on the node"].has_failed


def test_the_process_reports_without_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "question").write_text("hello")
    trial_file = tmp_path / "job.json"
    names = {"question": str(tmp_path / "question"), "answer": str(tmp_path / "answer")}
    trial_file.write_text(json.dumps(names))
    monkeypatch.setitem(sys.modules, "torch", None)
    assert trial_process.main([str(trial_file)]) == 0
    answer = json.loads((tmp_path / "answer").read_text())
    assert (answer["text"], answer["gpus"]) == ("hello", [])
    assert "torch" in answer["torch_error"]
    assert answer["versions"]["Python"].startswith("3.")
