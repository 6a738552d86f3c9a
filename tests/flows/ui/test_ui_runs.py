"""How runs of `xlm ui` end when they are cancelled, or when their worker is killed."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.flows.console import processes_of
from tests.flows.ui.ui_process import RunningUi, running_ui

ALONE = str(Path(__file__).with_name("alone.yaml"))
_PATIENCE_SECONDS = 240.0

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.timeout(1200)]


def test_a_run_that_loses_its_worker_or_is_cancelled_ends_as_such(tmp_path: Path) -> None:
    with running_ui(tmp_path) as ui:
        _start_pretraining(ui)
        _until(lambda: any("update" in line for line in _log(ui)), "no line of the training's log")
        run = ui.flow_runs()[0]
        assert run["name"] == "alone until pretrain, pretrain.updates=1000000"
        running = {task["name"]: task for task in ui.api("/task_runs/filter", {})}["pretrain"]
        assert (running["state_name"], running["tags"]) == ("Running", ["stage:pretrain"])
        ui.prefect("flow-run", "cancel", run["id"])
        _until(lambda: ui.flow_runs()[0]["state_name"] == "Cancelled", "not cancelled")
        # The server records the states of tasks from events, which may come later.
        _until(lambda: "RUNNING" not in _task_states(ui), "a task of the cancelled run is running")
        states = {task["name"]: task["state"] for task in ui.api("/task_runs/filter", {})}
        assert states["pretrain"]["type"] == "CANCELLED"
        assert "saved its state" in states["pretrain"]["message"]
        assert not [line for line in _log(ui) if "Traceback" in line]
        _until(lambda: not _of_run(ui), "processes of the cancelled run")

        _start_pretraining(ui)
        _kill([number for number, line in processes_of(tmp_path).items() if _is_worker(line)])
        # Training may save its state; then everything has ended, and `xlm ui` with it.
        assert ui.process.wait(120) == 1
        _until(lambda: not processes_of(tmp_path), "processes of the killed worker")
    with running_ui(tmp_path) as ui:
        assert ui.flow_runs()[0]["state_name"] == "Crashed"
        assert _task_states(ui) <= {"COMPLETED", "CANCELLED", "CRASHED"}

        _start_pretraining(ui)
        _kill([number for number, line in processes_of(tmp_path).items() if _is_flow(line)])
        _until(lambda: ui.flow_runs()[0]["state_name"] == "Crashed", "no crash")
        _until(lambda: "RUNNING" not in _task_states(ui), "a task of the crashed run is running")

        _start_pretraining(ui)
        _kill(processes_of(tmp_path))
    with running_ui(tmp_path) as ui:
        ended = ui.flow_runs()[0]
        assert ended["state_name"] == "Crashed", ended["state"]
        assert "process has ended" in ended["state"]["message"]


def _start_pretraining(ui: RunningUi) -> None:
    overrides = '["pretrain.updates=1000000"]'
    printed = ui.prefect(
        *("deployment", "run", "xlm/full-pipeline", "-p", f"profile={ALONE}"),
        *("-p", "until=pretrain", "-p", f"overrides={overrides}"),
    )
    assert "Created flow run" in printed
    _until(lambda: any("xlm.training" in line for line in _of_run(ui)), "no training")


def _of_run(ui: RunningUi) -> list[str]:
    lines = processes_of(ui.root).values()
    return [line for line in lines if "flows.ui.flow_process" in line or "xlm.training" in line]


def _is_worker(line: str) -> bool:
    return "worker start" in line and "guard.py" not in line


def _is_flow(line: str) -> bool:
    return "flows.ui.flow_process" in line


def _task_states(ui: RunningUi) -> set[str]:
    return {task["state_type"] for task in ui.api("/task_runs/filter", {})}


def _kill(processes: Any) -> None:
    for process in processes:
        # The end of one process can end others before their turn.
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _log(ui: RunningUi) -> list[str]:
    return [line["message"] for line in ui.api("/logs/filter", {"sort": "TIMESTAMP_ASC"})]


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.5)
