"""The DAG of this project: the engine applied to a request and to all stages.

for planned in plan_request(request, store): ...
with open_request(request, settings, observer) as run: ...
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

from xlm.cluster.dask_workers import cluster_of
from xlm.config.environment import MachineSettings
from xlm.config.pipeline import PipelineConfig
from xlm.engine.events import Observer
from xlm.engine.graph import Graph
from xlm.engine.opening import open_run
from xlm.engine.plan import PlannedNode, plan
from xlm.engine.run import DagRun
from xlm.engine.stage import Stage
from xlm.pipeline.remote import remote_of
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


def plan_request(
    request: RunRequest, store: ArtifactStore, *, with_remote: bool = False
) -> list[PlannedNode]:
    """Plan what a run of the request would do with each node; see `xlm.engine.plan.plan`.

    Args:
        with_remote: look also into the remote store of the request.
    """
    graph = graph_of(request)
    remote = remote_of(graph.config) if with_remote else None
    return plan(graph, request, store, remote)


def open_request(
    request: RunRequest,
    settings: MachineSettings,
    observer: Observer,
    *,
    stages: Sequence[Stage[PipelineConfig, Any]] = STAGES,
    pool: WorkerPool | None = None,
) -> AbstractContextManager[PipelineRun]:
    """Open a run of the request; see `xlm.engine.opening.open_run`."""
    graph = Graph.of(request.resolve(), stages)
    config = graph.config
    return open_run(
        graph,
        request,
        root=settings.root,
        workers=settings.workers,
        observer=observer,
        pool=pool,
        open_cluster=cluster_of(config.compute, config.launcher),
        remote=remote_of(config),
    )
