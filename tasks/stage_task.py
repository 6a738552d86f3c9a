"""A Prefect task from a stage: key, verified hit or build; the store publishes inside the body.

Prefect's own cache is off on purpose. The store alone knows whether an artifact is whole, so the
task verifies and then reports a hit as the state `Cached`: there is no second record to go stale.
"""

from typing import Any

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import task_run
from prefect.states import Completed

from tasks.context import current_run
from xlm.errors import ChecksumError, SourceError
from xlm.stages.stage import Node, Stage

RETRY_SECONDS = [2.0, 10.0, 30.0]


def stage_task(stage: Stage[Any]) -> Task[[str], State]:
    """The task `<stage>[<unit>]` of a stage; only stages that ask hosts are retried."""

    def build(unit: str) -> State:
        built = current_run().build(Node(stage.name, unit))
        key = built.artifact.manifest.key
        if built.status == "built":
            return Completed(message=f"{key} built in {built.seconds:.1f} s")
        return Completed(name="Cached", message=f"{key} was there and whole")

    return task(
        build,
        name=stage.name,
        description=stage.summary,
        task_run_name=_node_name,
        tags={f"stage:{stage.name}"},
        cache_policy=NO_CACHE,
        persist_result=False,
        log_prints=False,
        retries=len(RETRY_SECONDS) if stage.network else 0,
        retry_delay_seconds=RETRY_SECONDS if stage.network else None,
        retry_jitter_factor=0.5 if stage.network else None,
        retry_condition_fn=_is_worth_retrying,
    )


def _node_name() -> str:
    return str(Node(task_run.task_name, task_run.parameters["unit"]))


async def _is_worth_retrying(task: Task[..., Any], run: TaskRun, state: State) -> bool:
    """Another attempt helps against a host that is away, never against wrong bytes."""
    error = await state.result(raise_on_failure=False)
    return isinstance(error, SourceError) and not isinstance(error, ChecksumError)
