"""The DAG of this project: the engine applied to a request and to all stages.

for planned in plan_request(request, store): ...
with open_request(request, settings, observer) as run: ...
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

from xlm.config.environment import MachineSettings
from xlm.config.pipeline import PipelineConfig
from xlm.engine.events import Observer
from xlm.engine.graph import Graph
from xlm.engine.plan import PlannedNode, plan
from xlm.engine.run import DagRun, open_run
from xlm.engine.stage import Stage
from xlm.pipeline.request import RunRequest
from xlm.processes.pool.executor import WorkerPool
from xlm.stages.registry import STAGES
from xlm.store.store import ArtifactStore

PipelineRun: TypeAlias = DagRun[PipelineConfig, RunRequest]


def graph_of(request: RunRequest) -> Graph[PipelineConfig]:
    """Build the graph of the configuration of a request.

    Raises:
        ConfigError: the configuration is invalid.
    """
    return Graph.of(request.resolve(), STAGES)


def plan_request(request: RunRequest, store: ArtifactStore) -> list[PlannedNode]:
    """Plan what a run of the request would do with each node; see `xlm.engine.plan.plan`."""
    return plan(graph_of(request), request, store)


def open_request(
    request: RunRequest,
    settings: MachineSettings,
    observer: Observer,
    *,
    stages: Sequence[Stage[PipelineConfig, Any]] = STAGES,
    pool: WorkerPool | None = None,
) -> AbstractContextManager[PipelineRun]:
    """Open a run of the request; see `xlm.engine.run.open_run`."""
    return open_run(
        Graph.of(request.resolve(), stages),
        request,
        root=settings.root,
        workers=settings.workers,
        observer=observer,
        pool=pool,
    )
