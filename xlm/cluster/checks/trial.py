"""A job of one minute that runs our agent on one node, and reports what it sees there.

    yield from run_trial(config, root, wait_seconds=600, report=print)

Its files are in `ROOT/launch-check/`. They and the job are removed at the end, also after an error
or a signal.
"""

import json
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from xlm.cluster.checks.check import Check
from xlm.cluster.checks.cluster import own_versions, shown_versions
from xlm.cluster.checks.example import example_job
from xlm.cluster.job import ClusterJob, job_name
from xlm.cluster.jobs import SETTLE_SECONDS, Jobs, JobStatus
from xlm.cluster.records import End, JobRecords
from xlm.cluster.schedulers import scheduler_of
from xlm.config.launcher.launcher import LauncherConfig
from xlm.config.pipeline import PipelineConfig
from xlm.errors import ClusterError, XlmError
from xlm.processes import signals
from xlm.store.disk.filesystem import read_small, remove_tree, write_atomically

FOLDER = "launch-check"
_NAME = "trial job"
_MODULE = "xlm.cluster.checks.trial_process"
_MINUTES, _SAVE_SECONDS = 5, 1.0
"""Importing torch from a busy file system takes longer than the work."""
_POLL_SECONDS, _REPORT_SECONDS = 1.0, 15.0
_END_SECONDS = 30.0
Report = Callable[[str], None]


def run_trial(
    config: PipelineConfig, root: Path, *, wait_seconds: float, report: Report
) -> Iterator[Check]:
    """Submit the job, wait for its end, and check what it has reported.

    Raises:
        ClusterError: the scheduler refused the job, or it could not be removed.
        KeyboardInterrupt: a signal came; all is removed.
    """
    token = secrets.token_hex(6)
    directory = root / FOLDER / token
    is_new = not root.exists()
    jobs = Jobs(scheduler_of(_settings(config.launcher)))
    job = _job(config, root, directory, token)
    with _signals_interrupt():
        try:
            directory.mkdir(parents=True)
            _write_question(directory, token)
            report(f"trial job {job.name} is submitted")
            yield from _checks(jobs, job, token, wait_seconds, report)
        finally:
            with _without_signals():
                _remove(jobs, job, root, is_new)


def _settings(launcher: LauncherConfig) -> LauncherConfig:
    """The settings of the launcher, for one node and some minutes."""
    slurm = launcher.slurm.model_copy(update={"nodes": 1, "time": str(_MINUTES)})
    kubernetes = launcher.kubernetes.model_copy(
        update={"nodes": 1, "active_deadline_seconds": _MINUTES * 60, "max_restarts": 0}
    )
    return launcher.model_copy(update={"slurm": slurm, "kubernetes": kubernetes})


def _job(config: PipelineConfig, root: Path, directory: Path, token: str) -> ClusterJob:
    name = job_name("check", token, token[::-1])
    return replace(
        example_job(config, root, name=name),
        directory=directory / "cluster",
        module=_MODULE,
        job_file=directory / "job.json",
        log_path=directory / "processes.log",
        nodes=1,
        processes_per_node=1,
        save_seconds=_SAVE_SECONDS,
        environment=dict(config.launcher.environment),
        max_attempts=1,
        max_idle_restarts=0,
    )


def _write_question(directory: Path, token: str) -> None:
    question, answer = directory / "question", directory / "answer.json"
    write_atomically(question, token.encode())
    trial = {"question": str(question), "answer": str(answer)}
    write_atomically(directory / "job.json", json.dumps(trial).encode())


def _checks(
    jobs: Jobs, job: ClusterJob, token: str, wait_seconds: float, report: Report
) -> Iterator[Check]:
    began = time.monotonic()
    jobs.ensure(job)
    status = _wait(jobs, job, began + wait_seconds, report)
    seconds = time.monotonic() - began
    words = status.seen[-1].words if status.seen else "the scheduler does not show it"
    if status.outcome is None or status.outcome.end != End.DONE:
        yield _failure(job, status, words, seconds)
        return
    yield Check.ok(_NAME, f"it ran and ended after {seconds:.0f} s")
    answer = _answer(job)
    if answer is None or answer.get("text") != token:
        yield Check.failed(
            "store on the node",
            "the node wrote no answer that this machine can read",
            "mount the file system of the store at the same path on all nodes",
        )
        return
    host = answer["host"]
    yield Check.ok("store on the node", f"{host} read and wrote files in {job.directory.parent}")
    yield _versions(host, answer["versions"])
    yield _gpus(job, host, answer)


def _wait(jobs: Jobs, job: ClusterJob, deadline: float, report: Report) -> JobStatus:
    """Wait until the job has reported, has ended without a report, or the time is over."""
    shown, shown_at, gone_at = "", time.monotonic(), None
    while True:
        status = jobs.status(job)
        now = time.monotonic()
        if status.outcome is not None or now > deadline:
            return status
        if status.seen is not None and status.live is None:
            # Its last files may become visible a little later.
            gone_at = gone_at or now
            if now - gone_at > SETTLE_SECONDS:
                return status
        elif status.live is not None:
            gone_at = None
        words = "the scheduler does not answer" if status.seen is None else "it has ended"
        if status.live is not None:
            words = status.live.words
        if words != shown or now - shown_at > _REPORT_SECONDS:
            report(f"trial job {job.name}: {words}")
            shown, shown_at = words, now
        time.sleep(_POLL_SECONDS)


def _failure(job: ClusterJob, status: JobStatus, words: str, seconds: float) -> Check:
    if status.live is not None and status.outcome is None:
        return Check.failed(
            _NAME,
            f"it has not ended after {seconds:.0f} s: {words}",
            "see why it waits with the tools of the cluster, or give it more time with --wait",
        )
    last = _last_line(job)
    return Check.failed(
        _NAME,
        f"it ended without an answer: {words}{f'; its last line: {last}' if last else ''}",
        "see that the nodes have the store, the Python and the package (or the image) of the "
        "settings, at the same paths",
    )


def _last_line(job: ClusterJob) -> str:
    """The last line that the processes or the batch script have printed."""
    folder = job.directory
    for path in (job.log_path, *sorted(folder.glob("*.log"), reverse=True)):
        with suppress(OSError):
            lines = read_small(path).decode(errors="replace").split("\n")
            if shown := [line.strip() for line in lines if line.strip()]:
                return shown[-1][:300]
    return ""


def _answer(job: ClusterJob) -> dict[str, Any] | None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        with suppress(OSError, ValueError):
            found = json.loads(read_small(job.job_file.with_name("answer.json")))
            return found if isinstance(found, dict) else None
        if time.monotonic() > deadline:
            return None
        time.sleep(_POLL_SECONDS)


def _versions(host: str, versions: dict[str, str]) -> Check:
    name, here = "versions on the node", own_versions()
    if versions == here:
        return Check.ok(name, f"{host}: {shown_versions(versions)}")
    different = [one for one in here if versions.get(one) != here[one]]
    shown = ", ".join(f"{one} {versions.get(one)} (here {here[one]})" for one in different)
    found = f"{host} has {shown}"
    fix = "install the same versions on the nodes (or in the image)"
    is_serious = "missing" in versions.values() or "xlm-pipeline" in different
    make = Check.failed if is_serious else Check.warning
    return make(name, found, fix)


def _gpus(job: ClusterJob, host: str, answer: dict[str, Any]) -> Check:
    gpus, reason = answer["gpus"], answer.get("torch_error", "")
    if gpus:
        return Check.ok("GPU on the node", f"{host}: {', '.join(gpus)}")
    if not job.uses_gpu:
        return Check.ok("GPU on the node", "not visible; pretrain.device is cpu")
    return Check.failed(
        "GPU on the node",
        f"torch sees no GPU on {host}{f': {reason}' if reason else ''}",
        "see that the job gets a GPU, that torch is built for CUDA, and that the driver is not "
        "older than that",
    )


def _remove(jobs: Jobs, job: ClusterJob, root: Path, is_new: bool) -> None:
    """End the job and remove all of its files.

    Raises:
        ClusterError: one of both is left.
    """
    directory = job.directory.parent
    try:
        deadline = time.monotonic() + _END_SECONDS
        if (status := jobs.status(job)).outcome is not None:
            # It ends by itself in a moment.
            while status.live is not None and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
                status = jobs.status(job)
        jobs.cancel(job.name, JobRecords(job.directory))
    except XlmError as error:
        raise ClusterError(
            f"trial job {job.name} could not be removed: {error.what}",
            fix=f"cancel it with the tools of the cluster, then remove {directory}",
        ) from error
    for _ in range(3):
        # Another machine may still write its last line.
        with suppress(OSError):
            remove_tree(directory)
        if not directory.exists():
            break
        time.sleep(_POLL_SECONDS)
    with suppress(OSError):
        directory.parent.rmdir()
        if is_new:
            root.rmdir()


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Stop signals end the trial as Ctrl-C does, so that it is cleaned up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in signals.STOP_SIGNALS}
    signals.listen(_interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


@contextmanager
def _without_signals() -> Iterator[None]:
    """Cleaning up is not interrupted."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals.END_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
