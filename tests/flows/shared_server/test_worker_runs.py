"""`xlm worker` on a shared server: runs, restarts of both servers, and its own end."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.flows.console import digests, processes_of, start
from tests.flows.shared_server.postgresql import PostgreSQL
from tests.flows.shared_server.prefect_server import TOKEN, SharedServer, until
from tests.flows.shared_server.worker import start_worker
from tests.repository import REPOSITORY

FIFTEEN = str(REPOSITORY / "tests" / "flows" / "fifteen.yaml")
ALONE = str(REPOSITORY / "tests" / "flows" / "ui" / "alone.yaml")
_TASKS = 31
_ENDLESS = ["pretrain.updates=1000000"]

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.timeout(1800)]


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A store; at the end no process of it is left."""
    yield tmp_path
    left = processes_of(tmp_path)
    for number in left:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    assert left == {}


def _xlm(server: SharedServer, root: Path, *arguments: str, code: int = 0) -> str:
    process = start(root, *arguments, **server.client_variables())
    printed, _ = process.communicate(timeout=300)
    assert process.returncode == code, printed
    return printed


def test_a_worker_needs_the_deployments_and_runs_them(server: SharedServer, root: Path) -> None:
    refused = _xlm(server, root, "worker", code=1)
    assert refused == (
        "xlm: the server has no work pool 'xlm-local'; run `xlm deploy` in the project's folder\n"
    )
    _xlm(server, root, "deploy")
    checked = _xlm(server, root, "worker", "--check")
    assert checked == f"http://127.0.0.1:{server.port} has the work pool and the deployments\n"

    worker = start_worker(server, root)
    run = server.run("full-pipeline", profile=FIFTEEN, until="make-world")
    until(lambda: server.state(run) in ("Completed", "Failed", "Crashed"), "the run does not end")
    assert server.state(run) == "Completed", worker.log()
    assert set(digests(root)) == {"make-world[all]"}
    assert worker.terminate() == 0
    log = worker.log()
    assert log.splitlines()[-1] == "stopping"
    assert TOKEN not in log
    assert not list((root / "prefect" / "worker-runs").glob("*/*"))


@pytest.mark.parametrize("away", ["database", "server"])
def test_a_run_survives_a_restart_of(
    away: str, server: SharedServer, root: Path, postgresql: PostgreSQL
) -> None:
    """It goes on meanwhile, and reports its end as soon as somebody listens."""
    _xlm(server, root, "deploy")
    worker = start_worker(server, root)
    run = server.run("full-pipeline", profile=FIFTEEN, until="extract-wiki")
    until(lambda: len(digests(root)) >= 2, "no task has ended")
    if away == "database":
        postgresql.dev("stop")
    else:
        server.end(signal.SIGKILL)
    until(lambda: len(digests(root)) == _TASKS, "the run waits for the server")
    time.sleep(5)
    if away == "database":
        postgresql.dev("start")
    else:
        server.start()
    until(lambda: server.state(run) in ("Completed", "Failed", "Crashed"), "the run does not end")
    assert server.state(run) == "Completed", worker.log()
    assert worker.terminate() == 0


def test_a_worker_that_is_stopped_lets_training_save_its_state(
    server: SharedServer, root: Path
) -> None:
    _xlm(server, root, "deploy")
    worker = start_worker(server, root)
    run = server.run("full-pipeline", profile=ALONE, until="pretrain", overrides=_ENDLESS)
    until(lambda: any(root.glob("staging/pretrain/*/**/metrics.jsonl")), "no update of training")
    assert worker.terminate() == 0
    assert server.state(run) == "Crashed"
    assert list((root / "staging" / "pretrain").glob("*/scratch/checkpoints/*"))


def test_a_killed_worker_s_runs_are_ended_by_the_next_one(server: SharedServer, root: Path) -> None:
    _xlm(server, root, "deploy")
    worker = start_worker(server, root)
    run = server.run("full-pipeline", profile=ALONE, until="pretrain", overrides=_ENDLESS)
    # A run that a worker of another machine has: it has no process here either.
    other = server.run("make-world", profile=FIFTEEN)
    until(lambda: server.state(other) == "Completed", "the other run does not end")
    body = {"state": {"type": "RUNNING"}, "force": True}
    until(lambda: _runs_training(root), "no training")
    for number in processes_of(root):
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    worker.process.wait(60)
    elsewhere = server.run("make-world", profile=FIFTEEN)
    server.api(f"/flow_runs/{elsewhere}/set_state", body)
    assert server.state(run) == "Running"

    again = start_worker(server, root)
    until(lambda: server.state(run) == "Crashed", "the lost run is shown as running")
    assert again.terminate() == 0
    assert server.state(elsewhere) == "Running"


def _runs_training(root: Path) -> bool:
    return any("xlm.training" in line for line in processes_of(root).values())
