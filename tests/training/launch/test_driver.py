"""Pretraining in processes: open ports, kills, stop signals, and errors that reach the driver."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.listening_sockets import SocketWatch
from tests.repository import REPOSITORY
from tests.training.launch.striking import striking
from tests.training.runs import NO_DROPOUT, files, straight_run
from xlm.config.training.pretrain import PretrainSlice
from xlm.engine.stage import StageContext
from xlm.errors import (
    PeerLostError,
    PipelineError,
    RequeueError,
    ToolError,
    TrainingError,
    XlmError,
)
from xlm.processes.sessions import read_sessions
from xlm.stages.model.pretrain import PRETRAIN
from xlm.training.launch.job import PretrainJob, write_job

pytestmark = pytest.mark.slow

_PATIENCE_SECONDS = 200.0
"""Less than the time limit of a test, and enough to start on a loaded machine."""


def losses(directory: Path) -> list[float]:
    lines = (directory / "metrics.jsonl").read_text().split("\n")[:-1]
    return [json.loads(line)["loss"]["mlm"] for line in lines]


def test_two_processes_compute_what_one_computes(
    make_context: Callable[..., StageContext[PretrainSlice]], make_job: Callable[..., PretrainJob]
) -> None:
    """The global batch and its masks do not depend on how many processes share it."""
    context = make_context("two", processes=2, speed_updates=1, tensorboard=True, figures=True)
    with SocketWatch(lambda: _processes_of(context.scratch)) as watch:
        outcome = PRETRAIN.run(context)
    # Two guards and two processes, which are connected over loopback.
    assert len(watch.seen) >= 4
    assert watch.sockets
    assert not watch.open_to_others
    assert not list(context.scratch.glob("meeting-*"))
    assert outcome.counts["updates"] == 20
    assert outcome.counts["parameters"] > 1000
    assert outcome.measured["tokens_per_second"] > 0
    assert outcome.measured["peak_memory_bytes"] > 50_000_000
    assert context.progress.notes[-1][:3] == (20, 20, "updates")  # type: ignore[attr-defined]
    assert "training mixture" in (context.logs / "processes.log").read_text()
    assert "| tlm.sw-en |" in context.progress.documents["mixture"]  # type: ignore[attr-defined]
    alone = straight_run(make_job("one", model=NO_DROPOUT))
    assert losses(context.out) == pytest.approx(losses(alone), rel=1e-4)


@pytest.mark.fault
def test_a_killed_run_resumes_to_the_same_bytes(
    make_context: Callable[..., StageContext[PretrainSlice]], make_job: Callable[..., PretrainJob]
) -> None:
    """kill -9 of the process and its guard, then a rerun: equal to a straight run."""
    shape: dict[str, object] = {"updates": 120, "validation_updates": 60, "checkpoint_updates": 10}
    killed = make_context("killed", **shape)
    job = killed.scratch / "job.json"
    with (
        _striking(lambda: _kill_after_a_checkpoint(killed.scratch), killed),
        pytest.raises(ToolError, match="a rerun continues from the last checkpoint"),
    ):
        PRETRAIN.run(killed)
    assert not (killed.out / "model.safetensors").exists()
    first = read_sessions(job)
    (record,) = (killed.scratch / "job.sessions").glob("*.json")
    measured = PRETRAIN.run(killed).measured
    record.unlink()
    second = read_sessions(job)
    assert 0 < second.process_seconds <= measured["seconds"]  # type: ignore[operator]
    both = first.process_seconds + second.process_seconds
    assert measured["process_seconds"] == pytest.approx(both)
    assert measured["cpu_seconds"] >= first.cpu_seconds + second.cpu_seconds - 0.01
    assert "resuming from update" in (killed.logs / "processes.log").read_text()
    straight = straight_run(make_job("straight", model=NO_DROPOUT, **shape))
    assert files(killed.out) == files(straight)


def test_an_error_of_a_process_reaches_the_driver(
    make_context: Callable[..., StageContext[PretrainSlice]],
) -> None:
    context = make_context("none", optimizer={"learning_rate": 1e30, "clip_norm": 1e30})
    with pytest.raises(TrainingError, match="not finite at update"):
        PRETRAIN.run(context)


@pytest.mark.fault
def test_a_single_process_opens_no_port(
    make_context: Callable[..., StageContext[PretrainSlice]],
) -> None:
    context = make_context("one", speed_updates=1, tensorboard=True)
    with SocketWatch(lambda: _processes_of(context.scratch)) as watch:
        PRETRAIN.run(context)
    assert len(watch.seen) >= 2
    assert not watch.sockets


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "error", "message"),
    [
        (signal.SIGSTOP, PeerLostError, "process 1 of 2 hung: .*another process did not answer"),
        (signal.SIGKILL, ToolError, "process 1 of 2 was killed by SIGKILL"),
    ],
)
def test_a_process_that_hangs_or_dies_ends_the_run_soon(
    make_context: Callable[..., StageContext[PretrainSlice]],
    number: signal.Signals,
    error: type[XlmError],
    message: str,
) -> None:
    """The other process waits only for its timeout, and no process is left."""
    context = make_context(
        number.name, updates=100_000, processes=2, checkpoint_updates=10,
        collective_timeout_seconds=5, save_seconds=5, validation_updates=100_000,
    )  # fmt: skip
    ended: list[float] = []

    def strike() -> None:
        _wait_for_a_checkpoint(context.scratch)
        os.kill(_process_of_rank(1, context.scratch), number)
        ended.append(time.monotonic())

    with _striking(strike, context), pytest.raises(error, match=message):
        PRETRAIN.run(context)
    # 5 s of timeout, and 10 s until a process that does not answer is killed.
    assert time.monotonic() - ended[0] < 45
    assert not list(_processes_of(context.scratch))


@pytest.mark.fault
@pytest.mark.parametrize(
    ("number", "rank"), [(signal.SIGTERM, 1), (signal.SIGUSR1, 0), (signal.SIGHUP, 1)]
)
def test_a_signal_to_any_process_saves_the_state_and_says_so(
    make_context: Callable[..., StageContext[PretrainSlice]], number: signal.Signals, rank: int
) -> None:
    """Slurm and Kubernetes signal them, before time is over or a machine is taken away."""
    context = make_context(number.name, updates=100_000, processes=2, checkpoint_updates=50_000,
                     validation_updates=100_000, speed_updates=1)  # fmt: skip

    def strike() -> None:
        _wait_for_an_update(context.logs)
        os.kill(_process_of_rank(rank, context.scratch), number)

    with _striking(strike, context), pytest.raises(RequeueError, match="has saved its state"):
        PRETRAIN.run(context)
    assert len(list((context.scratch / "checkpoints").iterdir())) == 1


@pytest.mark.fault
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_while_torch_is_being_imported_means_requeue(
    make_context: Callable[..., StageContext[PretrainSlice]], number: signal.Signals
) -> None:
    """Without a handler from the start, the signal would end the process with another status."""
    context = make_context(number.name, updates=100_000, processes=2)

    def strike() -> None:
        _wait_until(
            lambda: len(ranks := _ranks(context.scratch)) == 2 and all(map(_runs_python, ranks)),
            "nothing started",
        )
        os.kill(_process_of_rank(1, context.scratch), number)

    with _striking(strike, context), pytest.raises(RequeueError, match="has saved its state"):
        PRETRAIN.run(context)
    assert not list(_processes_of(context.scratch))


@pytest.mark.fault
def test_an_interrupted_driver_reports_that_the_state_is_saved(
    make_context: Callable[..., StageContext[PretrainSlice]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error "interrupted" hid that the state is saved and the job can be queued again."""
    context = make_context("interrupted", updates=100_000, checkpoint_updates=50_000,
                     validation_updates=100_000, speed_updates=1)  # fmt: skip

    def interrupt(*_: object) -> None:
        raise PipelineError("interrupted")

    monkeypatch.setattr(context.progress, "update", interrupt)
    with pytest.raises(RequeueError, match="has saved its state"):
        PRETRAIN.run(context)
    assert len(list((context.scratch / "checkpoints").iterdir())) == 1


_TORCHRUN = ("torch.distributed.run", "--standalone", "--signals-to-handle=SIGUSR1", "-m")


@pytest.mark.fault
@pytest.mark.parametrize(("starter", "code"), [((), 75), (_TORCHRUN, 1)])
def test_sigusr1_without_the_pipeline_saves_the_state(
    make_job: Callable[..., PretrainJob], starter: tuple[str, ...], code: int
) -> None:
    """docs/how-to/several-machines.md: a training process exits with 75, torchrun with 1."""
    job = make_job(updates=100_000, checkpoint_updates=50_000, validation_updates=100_000,
                   speed_updates=1)  # fmt: skip
    path = job.scratch / "job.json"
    write_job(path, job)
    root = str(REPOSITORY)
    process = subprocess.Popen(
        [sys.executable, "-m", *starter, "xlm.training.launch.entry", str(path)],
        env={**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for_an_update(job.logs)
        process.send_signal(signal.SIGUSR1)
        assert process.wait(_PATIENCE_SECONDS) == code
    finally:
        process.kill()
        process.wait()
    assert len(list((job.scratch / "checkpoints").iterdir())) == 1


def _striking(
    strike: Callable[[], object], context: StageContext[PretrainSlice]
) -> AbstractContextManager[None]:
    return striking(strike, lambda: _processes_of(context.scratch))


def _kill_after_a_checkpoint(scratch: Path) -> None:
    _wait_for_a_checkpoint(scratch)
    # What it ran until now is recorded after the first second.
    job = scratch / "job.json"
    _wait_until(lambda: read_sessions(job).process_seconds >= 1, "no session came")
    for process in _processes_of(scratch):
        os.kill(process, signal.SIGKILL)


def _wait_for_a_checkpoint(scratch: Path) -> None:
    _wait_until(lambda: any(scratch.glob("checkpoints/update-*")), "no checkpoint came")


def _wait_for_an_update(logs: Path) -> None:
    speed = logs / "speed.jsonl"
    _wait_until(lambda: speed.exists() and speed.stat().st_size > 0, "no update came")


def _wait_until(happened: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.01)


def _process_of_rank(rank: int, scratch: Path) -> int:
    found: list[int] = []

    def is_there() -> bool:
        wanted = f"RANK={rank}".encode()
        found.extend(one for one in _ranks(scratch) if wanted in _lines(one, "environ"))
        return bool(found)

    _wait_until(is_there, f"no process {rank}")
    return found[0]


def _ranks(scratch: Path) -> list[int]:
    """The training processes, without their guards."""
    found = {one: _lines(one, "cmdline") for one in _processes_of(scratch)}
    return [
        one for one, line in found.items() if not any(part.endswith(b"guard.py") for part in line)
    ]


def _runs_python(process: int) -> bool:
    """Whether the process runs the entry; before its exec it is a copy of the guard."""
    return b"xlm.training.launch.entry" in _lines(process, "cmdline")


def _lines(process: int, name: str) -> list[bytes]:
    """Parts of a file of /proc; empty if the process has ended or is in its exec."""
    try:
        return Path(f"/proc/{process}/{name}").read_bytes().split(b"\0")
    except OSError:
        return []


def _processes_of(scratch: Path) -> Iterator[int]:
    """The processes of this test's job, guards included."""
    job = str(scratch / "job.json").encode()
    for process in Path("/proc").glob("[0-9]*"):
        if job in _lines(int(process.name), "cmdline"):
            yield int(process.name)
