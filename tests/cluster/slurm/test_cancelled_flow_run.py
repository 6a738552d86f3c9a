"""A flow run of a worker whose training is a job of Slurm: cancelled in the UI, or left."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.slurm.dev_cluster import DevCluster, processes_with, wait_until
from tests.flows.console import processes_of, start
from tests.flows.shared_server.conftest import postgresql, server
from tests.flows.shared_server.prefect_server import SharedServer, until
from tests.flows.shared_server.worker import Worker, running_worker
from tests.repository import REPOSITORY

__all__ = ["postgresql", "server"]

pytestmark = [pytest.mark.fault, pytest.mark.timeout(1800)]

_ALONE = str(REPOSITORY / "tests" / "flows" / "ui" / "alone.yaml")
_OVERRIDES = [
    "launcher.kind=slurm",
    "launcher.slurm.nodes=2",
    "launcher.poll_seconds=1",
    "pretrain.processes=2",
    "pretrain.checkpoint_updates=20",
    "pretrain.save_seconds=8",
]
_CANCELLING = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
"""What the UI sends."""


@pytest.fixture(scope="module")
def root(server: SharedServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store, whose data stages are built once."""
    folder = tmp_path_factory.mktemp("store")
    process = start(folder, "deploy", **server.client_variables())
    printed, _ = process.communicate(timeout=300)
    assert process.returncode == 0, printed
    return folder


@pytest.fixture
def worker(cluster: DevCluster, server: SharedServer, root: Path) -> Iterator[Worker]:
    """A worker of the server that can reach the cluster; at the end no process is left."""
    with running_worker(server, root, SLURM_CONF=str(cluster.configuration)) as one:
        yield one
    assert processes_of(root) == {}


def _pretrain(server: SharedServer, updates: int) -> str:
    overrides = [*_OVERRIDES, f"pretrain.updates={updates}"]
    return server.run("full-pipeline", profile=_ALONE, until="pretrain", overrides=overrides)


def _cancel(server: SharedServer, run: str) -> None:
    """Cancel a flow run as the UI does."""
    answer = server.api(f"/flow_runs/{run}/set_state", _CANCELLING)
    assert answer["status"] == "ACCEPT"


def _what_is_left(cluster: DevCluster, root: Path) -> list[str]:
    """Jobs, their processes, and holds of staging folders."""
    processes = processes_with(str(root / "staging"))
    holds = root.glob("staging/*/*/held-by-job")
    return [*cluster.live_jobs(), *map(str, processes), *map(str, holds)]


def _is_past_a_checkpoint(root: Path) -> bool:
    return any(root.glob("staging/pretrain/*/scratch/checkpoints/update-*"))


def test_a_cancelled_flow_run_ends_its_job_and_the_next_continues_it(
    cluster: DevCluster, server: SharedServer, worker: Worker, root: Path
) -> None:
    run = _pretrain(server, updates=900)
    until(lambda: _is_past_a_checkpoint(root), f"no checkpoint: {worker.log()}")
    (job,) = cluster.live_jobs()
    _cancel(server, run)
    wait_until(lambda: not _what_is_left(cluster, root), "something is left")
    until(lambda: server.state(run) == "Cancelled", "the run is not cancelled")
    assert dict(cluster.jobs())[job] == "CANCELLED"

    again = _pretrain(server, updates=900)
    until(lambda: server.state(again) in ("Completed", "Failed", "Crashed"), "it does not end")
    assert server.state(again) == "Completed", worker.log()
    (log,) = root.glob("artifacts/pretrain/*/logs/processes.log")
    assert "resuming from update" in log.read_text()
    assert _what_is_left(cluster, root) == []


def test_a_cancelled_flow_run_ends_a_job_that_waits(
    cluster: DevCluster, server: SharedServer, worker: Worker, root: Path
) -> None:
    cluster.command("scontrol", "update", "partition=debug", "state=down")
    try:
        run = _pretrain(server, updates=901)
        until(lambda: bool(cluster.live_jobs()), f"no job: {worker.log()}")
        _cancel(server, run)
        wait_until(lambda: not _what_is_left(cluster, root), "something is left")
    finally:
        cluster.command("scontrol", "update", "partition=debug", "state=up")
    until(lambda: server.state(run) == "Cancelled", "the run is not cancelled")


def test_a_job_outlives_its_worker_and_the_next_run_finds_it(
    cluster: DevCluster, server: SharedServer, worker: Worker, root: Path
) -> None:
    run = _pretrain(server, updates=902)
    until(lambda: _is_past_a_checkpoint(root), f"no checkpoint: {worker.log()}")
    jobs = cluster.live_jobs()
    assert worker.interrupt() == 0
    assert server.state(run) == "Crashed"
    assert cluster.live_jobs() == jobs
    with running_worker(server, root, SLURM_CONF=str(cluster.configuration)) as later:
        again = _pretrain(server, updates=902)
        until(lambda: server.state(again) in ("Completed", "Failed", "Crashed"), "no end")
        assert server.state(again) == "Completed", later.log()
    assert [one for one, _ in cluster.jobs() if int(one) >= int(jobs[0])] == jobs
    assert _what_is_left(cluster, root) == []
