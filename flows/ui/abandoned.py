"""Ends flow runs that have lost their process: Prefect would show them as running forever."""

from contextlib import suppress
from pathlib import Path
from uuid import UUID

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
from flows.worker.processes import processes_of_run
from flows.worker.run_notes import forget_run, noted_runs

_UNFINISHED = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
_OVER = [StateType.CRASHED, StateType.CANCELLED]
_LOST = "its process has ended without a final state"


def end_abandoned_runs(work_pool: str, *, of_this_machine: Path | None = None) -> list[str]:
    """Set the final state of runs of a work pool that have no process on this machine.

    Returns their names. They are crashed, or cancelled if that was requested.

    Args:
        of_this_machine: a root: end only runs that workers of this machine started on it. The
            server is shared, and other machines may run the others.
    """
    pool = WorkPoolFilter(name=WorkPoolFilterName(any_=[work_pool]))
    noted = None if of_this_machine is None else noted_runs(of_this_machine)
    unfinished = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_UNFINISHED)),
        id=None if noted is None else FlowRunFilterId(any_=noted),
    )
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=unfinished, work_pool_filter=pool)
        abandoned = [run for run in runs if not processes_of_run(str(run.id))]
        for run in abandoned:
            _end(client, run)
        if of_this_machine is not None and noted:
            _forget_ended(client, of_this_machine, noted)
        _end_late_tasks(client)
    return [run.name for run in abandoned]


def _forget_ended(client: SyncPrefectClient, root: Path, noted: list[UUID]) -> None:
    of_notes = FlowRunFilter(id=FlowRunFilterId(any_=noted))
    ended = {
        run.id: run.state is not None and run.state.is_final()
        for run in client.read_flow_runs(flow_run_filter=of_notes)
    }
    for run_id in noted:
        if ended.get(run_id, True):
            forget_run(root, run_id, known=run_id in ended)


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
