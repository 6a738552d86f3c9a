"""Opens the executor of a run on a Dask cluster: connects, checks the workers, and closes all.

with open_dask(store, config.compute.dask, config.launcher) as executor:
    executor.submit(function, item)
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from distributed import Client

from xlm.cluster.dask.clusters import logs_of, start_cluster
from xlm.cluster.dask.connecting import connect, require_same_scheduler
from xlm.cluster.dask.environment import Environment
from xlm.cluster.dask.executor import DaskExecutor
from xlm.cluster.dask.probe import open_probe
from xlm.cluster.dask.worker import ItemWorker
from xlm.cluster.dask.workers import Workers
from xlm.config.compute import DaskConfig
from xlm.config.environment import segmenter_variables
from xlm.config.launcher.launcher import LauncherConfig
from xlm.processes.pool.executor import on_interrupt
from xlm.processes.tools import tool_environment
from xlm.store.store import ArtifactStore

_CLOSE_SECONDS = 10


@contextmanager
def open_dask(
    store: ArtifactStore, settings: DaskConfig, launcher: LauncherConfig
) -> Iterator[DaskExecutor]:
    """Yield an executor over the workers that passed the checks; end the items at the end.

    Raises:
        ClusterError: the scheduler does not answer or has other software, or no worker can work
            on the store.
        ConfigError: a setting that the cluster needs is missing.
    """
    # Its warnings repeat what our errors say in one line.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        probe = stack.enter_context(open_probe(store))
        environment = Environment.of_this_process()
        if settings.address is None:
            cluster = start_cluster(settings, launcher, probe.root, probe.token)
            stack.callback(_close, cluster)
            client = connect(cluster, str(cluster.scheduler_address), settings)
        else:
            client = connect(settings.address, settings.address, settings)
        stack.callback(_close, client)
        require_same_scheduler(client, environment)
        variables = tool_environment(store.cache_directory("tools")) | segmenter_variables()
        plugin = ItemWorker(probe, environment, variables, ends_worker=settings.address is None)
        workers = Workers(client, plugin.name, settings, logs_of(settings, probe.root, probe.token))
        stack.callback(_remove, client, plugin.name)
        workers.register(plugin)
        executor = DaskExecutor(
            client, plugin.name, probe,
            workers=workers.wait(), worker_seconds=settings.worker_seconds, none=workers.none,
        )  # fmt: skip
        stack.callback(executor.interrupt)
        with on_interrupt(executor.interrupt):
            yield executor


def _remove(client: Client, name: str) -> None:
    """Remove the plugin, which ends the children; a scheduler that is gone needs no answer."""
    with suppress(Exception):
        client.sync(client._unregister_worker_plugin, name=name, callback_timeout=_CLOSE_SECONDS)


def _close(one: Any) -> None:
    with suppress(Exception):
        one.close(timeout=_CLOSE_SECONDS)
