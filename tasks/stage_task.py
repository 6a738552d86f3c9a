"""A Prefect task for a stage: it takes a node from the store, or builds it.

Prefect's own cache is off on purpose. Only the store knows whether an artifact is intact. The task
verifies the artifact and reports a hit as the state `Cached`, so no second record can become stale.
"""

from typing import Any

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext
from prefect.runtime import task_run
from prefect.states import Cancelled, Completed

from tasks.context import current_run
from xlm.engine.stage import ALL, Node, Stage
from xlm.errors import RequeueError, ServerError

StageTask = Task[[str], State[None]]

_RETRY_SECONDS = [10.0, 60.0]
"""Waits for a server that restarts; the downloader has already tried several times."""


def stage_task(stage: Stage[Any, Any]) -> StageTask:
    """The task `<stage>[<unit>]` of a stage; only stages that use the network are retried."""

    @task(
        name=stage.name,
        description=stage.summary,
        task_run_name=_node_name,
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=len(_RETRY_SECONDS) if stage.network else 0,
        retry_delay_seconds=_RETRY_SECONDS,
        retry_jitter_factor=0.5,
        retry_condition_fn=_server_was_away,
    )
    def build(unit: str) -> State[None]:
        node = Node(stage.name, unit)
        _tag(node)
        run = current_run()
        try:
            built = run.build(node)
        except Exception as error:
            # Not failures: training has saved its state, or the run was cancelled.
            if isinstance(error, RequeueError) or run.interruption:
                return Cancelled(message=str(error))
            raise
        key = built.artifact.manifest.key
        if built.status == "built":
            return Completed(message=f"{key} built in {built.seconds:.1f} s")
        if built.status == "pulled":
            return Completed(name="Cached", message=f"{key} was pulled from the remote store")
        if built.status == "pruned":
            return Completed(name="Cached", message=f"{key} was pruned, and nothing reads it")
        return Completed(name="Cached", message=f"{key} is in the store and intact")

    return build


def _tag(node: Node) -> None:
    """Tag the task run from inside: for tags at its start, Prefect requests a slot each.

    That costs more than a cached node (`bench/tagged_tasks.py`). The slots of the run limit cores.
    """
    context = TaskRunContext.get()
    if context is not None:
        context.task_run.tags = [f"stage:{node.stage}"]
        if node.unit != ALL:
            context.task_run.tags.append(f"unit:{node.unit}")


def _node_name() -> str:
    return str(Node(task_run.task_name, task_run.parameters["unit"]))


def _server_was_away(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether to try again: only if a server did not answer, not after wrong bytes."""
    return isinstance(state.result(raise_on_failure=False), ServerError)
