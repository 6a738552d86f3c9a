"""Opens a run: the store with a lease, the worker processes, the remote store, and signals."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from xlm.engine.events import Observer
from xlm.engine.graph import Graph
from xlm.engine.request import RequestT
from xlm.engine.run import DagRun
from xlm.engine.stage import ConfigT
from xlm.processes.pool.executor import on_interrupt, worker_pool
from xlm.processes.pool.item_executor import ItemExecutor
from xlm.store.remote.level import RemoteLevel
from xlm.store.remote.remote_store import RemoteStore
from xlm.store.store import ArtifactStore

log = logging.getLogger(__name__)


@contextmanager
def open_run(
    graph: Graph[ConfigT],
    request: RequestT,
    *,
    root: str,
    workers: int,
    observer: Observer,
    pool: ItemExecutor | None = None,
    open_cluster: Callable[[ArtifactStore], AbstractContextManager[ItemExecutor]] | None = None,
    remote: RemoteStore | None = None,
) -> Iterator[DagRun[ConfigT, RequestT]]:
    """Check the selection of a request and open a run of it.

    Ctrl-C, SIGTERM or SIGUSR1 inside of the context ends all programs and workers of the run.

    Args:
        root: path or fsspec URL of the store.
        workers: how many processes and stages compute at the same time.
        pool: worker processes that several runs share; by default, each run starts its own.
        open_cluster: opens the workers of other machines, which then take the place of processes.
        remote: a store that several machines share: artifacts are pulled from it and pushed to it.

    Raises:
        ConfigError: the selection names something unknown, or the configuration lacks what a
            selected stage requires.
        RemoteStoreError: the remote store cannot be used. If it does not answer, the run goes on.
    """
    store = ArtifactStore.open(root)
    store.keep_digests()
    with _executor(store, workers, pool, open_cluster) as executor, store.leased() as used:
        level = None if remote is None else RemoteLevel(remote, used, log.warning)
        run = DagRun(request, graph, used, workers, observer, executor, level)
        with on_interrupt(run.interruption.interrupt):
            if level is not None:
                level.open(run.interruption.check)
            try:
                yield run
            finally:
                run.pushes.finish()


def _executor(
    store: ArtifactStore,
    workers: int,
    pool: ItemExecutor | None,
    open_cluster: Callable[[ArtifactStore], AbstractContextManager[ItemExecutor]] | None,
) -> AbstractContextManager[ItemExecutor]:
    if pool is not None:
        return nullcontext(pool)
    if open_cluster is not None:
        return open_cluster(store)
    return worker_pool(workers, store.cache_directory("tools"))
