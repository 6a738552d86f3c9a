"""Pretraining on a real Slurm: equal to a local run, whatever happens to job and cluster."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.pretraining import Context, files_of, running
from tests.cluster.slurm.dev_cluster import DevCluster, kill_all, processes_with
from tests.waiting import wait_until
from xlm.cluster.records import End, JobRecords
from xlm.errors import ClusterError, TrainingError
from xlm.processes.group import ProgramGroup
from xlm.processes.lasting import cancel_jobs, lasting_jobs, leave_after
from xlm.stages.model.pretrain import PRETRAIN
from xlm.store.artifact import Staging

pytestmark = [pytest.mark.fault, pytest.mark.timeout(900)]

LONG: dict[str, object] = {
    "updates": 600, "validation_updates": 300, "checkpoint_updates": 20, "save_seconds": 8,
    "collective_timeout_seconds": 60,
}  # fmt: skip
"""Long enough to do something to the job in its middle."""


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """The files of local runs, by name of the shape; filled by `_straight`."""
    return {}


@pytest.fixture
def expected(
    make_context: Callable[..., Context], straight: dict[str, dict[str, bytes]]
) -> dict[str, bytes]:
    """The files of a local run of the long shape with two processes."""
    if "long" not in straight:
        context = make_context("straight", processes=2, **LONG)
        PRETRAIN.run(context)
        straight["long"] = files_of(context)
    return straight["long"]


def _nothing_is_left(context: Context) -> bool:
    return not processes_with(str(context.scratch))


def test_two_nodes_compute_the_bytes_of_a_local_run(
    cluster: DevCluster, on_slurm: Callable[..., Context], expected: dict[str, bytes]
) -> None:
    context = on_slurm("two nodes, für alle's", **LONG)
    result = PRETRAIN.run(context)
    assert files_of(context) == expected
    (attempt,) = JobRecords(context.scratch / "cluster").attempts()
    assert result.measured["job"] == attempt.job_id
    assert result.measured["cpu_seconds"] > 1  # type: ignore[operator]
    assert result.measured["peak_memory_bytes"] > 50_000_000  # type: ignore[operator]
    assert "training mixture" in (context.logs / "processes.log").read_text()
    assert (context.logs / "processes-1.log").exists()
    assert context.progress.notes[-1][:3] == (600, 600, "updates")  # type: ignore[attr-defined]
    assert not Staging(context.scratch.parent).hold.exists()
    assert _nothing_is_left(context)


def test_scancel_is_an_error_and_the_next_run_continues(
    cluster: DevCluster, on_slurm: Callable[..., Context], expected: dict[str, bytes]
) -> None:
    context = on_slurm("cancelled", **LONG)
    with running(context) as run:
        cluster.command("scancel", *cluster.live_jobs())
        began = time.monotonic()
        wait_until(lambda: _nothing_is_left(context), "processes are left", seconds=15)
        assert time.monotonic() - began < 15
        with pytest.raises(ClusterError, match=r"was cancelled \(CANCELLED"):
            run.result()
    assert len(cluster.jobs()) >= 1
    assert cluster.live_jobs() == []
    PRETRAIN.run(context)
    assert "resuming from update" in (context.logs / "processes.log").read_text()
    assert files_of(context) == expected


@pytest.mark.parametrize("how", ["notice", "requeue", "drain"])
def test_a_requeued_job_resumes_to_the_same_bytes(
    cluster: DevCluster, on_slurm: Callable[..., Context], expected: dict[str, bytes], how: str
) -> None:
    context = on_slurm(how, **LONG)
    with running(context) as run:
        (job,) = cluster.live_jobs()
        if how == "notice":  # what `--signal=B:USR1@...` sends
            cluster.command("scancel", "--signal=USR1", "--batch", job)
        elif how == "requeue":
            cluster.command("scontrol", "requeue", job)
        else:
            cluster.command("scontrol", "update", "node=n2", "state=drain", "reason=test")
            cluster.command("scontrol", "requeue", job)
            wait_until(lambda: cluster.jobs()[-1][1] == "PENDING", "not requeued")
            cluster.command("scontrol", "update", "node=n2", "state=resume")
        run.result()
    assert cluster.restarts(job) == 1
    attempts = JobRecords(context.scratch / "cluster").attempts()
    assert len(attempts) == 2
    assert attempts[1].checkpoint > attempts[0].checkpoint
    assert files_of(context) == expected


def test_a_killed_process_starts_the_job_again(
    cluster: DevCluster, on_slurm: Callable[..., Context], expected: dict[str, bytes]
) -> None:
    """The process of the other node only loses its peer; that is not an error to give up for."""
    context = on_slurm("process killed", **LONG)
    with running(context) as run:
        (job,) = cluster.live_jobs()
        tasks = processes_with(str(context.scratch / "job.json"))
        (rank_1,) = [
            task for task in tasks if b"\0RANK=1\0" in _environment(task) and not _is_guard(task)
        ]
        kill_all([rank_1])
        run.result()
    first, second = JobRecords(context.scratch / "cluster").attempts()
    assert (first.end, second.end) == (End.FAILED, End.DONE)
    assert cluster.restarts(job) == 1
    assert files_of(context) == expected


def _is_guard(process: int) -> bool:
    try:
        return b"guard.py" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False


def test_a_drained_node_finishes_its_job(
    cluster: DevCluster, on_slurm: Callable[..., Context], expected: dict[str, bytes]
) -> None:
    context = on_slurm("drained", **LONG)
    with running(context) as run:
        cluster.command("scontrol", "update", "node=n2", "state=drain", "reason=test")
        try:
            run.result()
        finally:
            cluster.command("scontrol", "update", "node=n2", "state=resume")
    assert files_of(context) == expected


def test_a_killed_node_is_survived(
    cluster: DevCluster, on_slurm: Callable[..., Context], expected: dict[str, bytes]
) -> None:
    """The daemon and all processes of the node of rank 1 are killed as by a power failure."""
    context = on_slurm("node killed", **LONG)
    with running(context) as run:
        (job,) = cluster.live_jobs()
        daemon = cluster.daemon("slurmd-n2")
        tasks = [
            process
            for process in processes_with(str(context.scratch))
            if b"XLM_NODE_RANK=1" in _environment(process)
        ]
        steps = [
            process for process in processes_with("slurmstepd") if _is_on_node(process, job, tasks)
        ]
        assert tasks
        kill_all([daemon, *steps, *tasks])
        cluster.wait_for_state("PENDING")
        cluster.start_node("n2")
        run.result()
    assert files_of(context) == expected
    assert cluster.restarts(job) == 1


def _environment(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/environ").read_bytes()
    except OSError:
        return b""


def _is_on_node(process: int, job: str, tasks: list[int]) -> bool:
    """Whether a step daemon is the parent of one of the tasks."""
    for task in tasks:
        parent = task
        while parent > 1:
            if parent == process:
                return True
            try:
                stat = Path(f"/proc/{parent}/stat").read_text()
                parent = int(stat.rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                break
    return False


def test_a_controller_that_restarts_is_waited_for(
    cluster: DevCluster, on_slurm: Callable[..., Context], expected: dict[str, bytes]
) -> None:
    context = on_slurm("controller", **LONG)
    with running(context) as run:
        (job,) = cluster.live_jobs()
        os.kill(cluster.daemon("slurmctld"), signal.SIGKILL)
        time.sleep(3)
        assert not run.done()
        cluster.start_controller()
        run.result()
    assert files_of(context) == expected
    assert [one for one, _ in cluster.jobs() if int(one) > int(job)] == []


def test_a_cancelled_job_leaves_nothing_behind(
    cluster: DevCluster, on_slurm: Callable[..., Context]
) -> None:
    """As after Ctrl-C twice, when the run has ended its own programs."""
    context = on_slurm("left", **{**LONG, "updates": 100_000, "validation_updates": 100_000})
    group = ProgramGroup()
    with running(context, group) as run:
        began = time.monotonic()
        assert len(lasting_jobs()) == 1
        leave_after(60)
        group.end()
        cancel_jobs()
        with pytest.raises(ClusterError, match="was cancelled on request"):
            run.result()
        assert time.monotonic() - began < 15
    assert _nothing_is_left(context)
    assert cluster.live_jobs() == []
    assert not Staging(context.scratch.parent).hold.exists()


def test_an_error_of_a_process_is_the_error_of_the_stage(
    cluster: DevCluster, on_slurm: Callable[..., Context]
) -> None:
    context = on_slurm("diverged", optimizer={"learning_rate": 1e30, "clip_norm": 1e30})
    with pytest.raises(TrainingError, match="not finite at update"):
        PRETRAIN.run(context)
    assert len(JobRecords(context.scratch / "cluster").attempts()) == 1
    assert cluster.live_jobs() == []


def test_a_refused_job_says_why(cluster: DevCluster, on_slurm: Callable[..., Context]) -> None:
    context = on_slurm("refused", slurm={"partition": "no such partition"})
    with pytest.raises(ClusterError, match=r"Slurm refused job .*invalid partition"):
        PRETRAIN.run(context)
    assert not Staging(context.scratch.parent).hold.exists()
