"""Ends flow runs that have lost their process: Prefect would show them as running forever."""

import os
import time
from contextlib import suppress
from pathlib import Path

from httpx import HTTPError
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, State, StateType, TaskRun
from prefect.states import Cancelled, Crashed

from flows.ui.terminal_runs import ended_runs, forget

_UNFINISHED = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
_OVER = [StateType.CRASHED, StateType.CANCELLED]
_LOST = "its process has ended without a final state"
_POLL_SECONDS = 0.2
_RUN_ID = "PREFECT__FLOW_RUN_ID"
"""Variable that workers set for the process of a flow; its children inherit it."""


def end_abandoned_runs(work_pool: str) -> list[str]:
    """Set the final state of runs of a work pool that have no process on this machine.

    Returns their names. They are crashed, or cancelled if that was requested.
    """
    pool = WorkPoolFilter(name=WorkPoolFilterName(any_=[work_pool]))
    unfinished = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_UNFINISHED))
    )
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=unfinished, work_pool_filter=pool)
        abandoned = [run for run in runs if not processes_of_run(str(run.id))]
        for run in abandoned:
            _end(client, run)
        _end_late_tasks(client)
    return [run.name for run in abandoned]


def end_killed_runs(root: Path) -> None:
    """Set the final state of runs of `xlm run` that were killed, on the server in use.

    If the server does not answer, the notes stay, and the next call tries again.
    """
    ended = list(ended_runs(root))
    if not ended:
        return
    with suppress(HTTPError), get_client(sync_client=True) as client:
        for tag, note in ended:
            tagged = FlowRunFilter(tags=FlowRunFilterTags(all_=[tag]))
            runs = client.read_flow_runs(flow_run_filter=tagged)
            for run in runs:
                if run.state is None or not run.state.is_final():
                    _end(client, run)
            forget(note, known=bool(runs))
        _end_late_tasks(client)


def end_tasks_of_ended_runs() -> None:
    """Set the final state of tasks of crashed and cancelled runs; Prefect leaves them running.

    If the server does not answer, the next call tries again.
    """
    with suppress(HTTPError), get_client(sync_client=True) as client:
        _end_late_tasks(client)


def processes_of_run(run_id: str) -> list[int]:
    """Ids of the processes on this machine that belong to a flow run."""
    return _processes_with(f"{_RUN_ID}={run_id}".encode())


def wait_for_flow_processes(root: Path, timeout_seconds: float) -> bool:
    """Wait until no flow of a worker runs on this root; False if that takes too long."""
    deadline = time.monotonic() + timeout_seconds
    marks = (f"XLM_ROOT={root}".encode(), f"{_RUN_ID}=".encode())
    while _processes_with(*marks):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _end(client: SyncPrefectClient, run: FlowRun) -> None:
    cancelled = run.state is not None and run.state.type == StateType.CANCELLING
    for task in _unfinished_tasks(client, run):
        client.set_task_run_state(task.id, Crashed(message=_LOST), force=True)
    last: State[None] = Cancelled() if cancelled else Crashed(message=_LOST)
    client.set_flow_run_state(run.id, last, force=True)


def _end_late_tasks(client: SyncPrefectClient) -> None:
    """End tasks of finished runs: the server may learn of a task after its run has ended."""
    over = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_OVER)))
    unfinished = TaskRunFilter(
        state=TaskRunFilterState(type=TaskRunFilterStateType(any_=_UNFINISHED))
    )
    for task in client.read_task_runs(flow_run_filter=over, task_run_filter=unfinished):
        client.set_task_run_state(task.id, Crashed(message=_LOST), force=True)


def _unfinished_tasks(client: SyncPrefectClient, run: FlowRun) -> list[TaskRun]:
    """Tasks without a final state; a task has no state at all if its first event was lost."""
    of_run = FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))
    tasks: list[TaskRun] = []
    while page := client.read_task_runs(flow_run_filter=of_run, offset=len(tasks)):
        tasks += page
    return [task for task in tasks if task.state is None or not task.state.is_final()]


def _processes_with(*marks: bytes) -> list[int]:
    """Other processes that have, for each mark, an environment variable that starts with it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
            zombie = b"\nState:\tZ" in (process / "status").read_bytes()
        except OSError:
            continue  # it has ended, or belongs to another user
        if zombie or int(process.name) == os.getpid():
            continue
        if all(any(variable.startswith(mark) for variable in variables) for mark in marks):
            found.append(int(process.name))
    return found
