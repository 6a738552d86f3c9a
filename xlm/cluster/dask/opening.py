"""Opens the executor of a run on a Dask cluster: connects, checks the workers, and closes all.

with open_dask(store, config.compute.dask, config.launcher) as executor:
    executor.submit(function, item)
"""

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from distributed import Client

from xlm.cluster.dask.clusters import start_cluster
from xlm.cluster.dask.connecting import connect, require_same_scheduler
from xlm.cluster.dask.environment import PROJECT, Environment
from xlm.cluster.dask.executor import DaskExecutor, no_worker_error, offered
from xlm.cluster.dask.probe import open_probe
from xlm.cluster.dask.worker import ItemWorker
from xlm.config.compute import DaskConfig
from xlm.config.environment import segmenter_variables
from xlm.config.launcher.launcher import LauncherConfig
from xlm.errors import ClusterError
from xlm.processes.pool.executor import on_interrupt
from xlm.processes.tools import tool_environment
from xlm.store.store import ArtifactStore

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.2
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
        workers = _Workers(client, plugin.name, settings)
        stack.callback(_remove, client, plugin.name)
        workers.register(plugin)
        executor = DaskExecutor(
            client, plugin.name, probe,
            workers=workers.wait(), worker_seconds=settings.worker_seconds,
        )  # fmt: skip
        stack.callback(executor.interrupt)
        with on_interrupt(executor.interrupt):
            yield executor


class _Workers:
    """The workers of a scheduler while they are checked."""

    def __init__(self, client: Client, name: str, settings: DaskConfig) -> None:
        self._client = client
        self._name = name
        self._settings = settings
        self._refused: dict[str, str] = {}
        client.subscribe_topic(name, self._heard)

    def register(self, plugin: ItemWorker) -> None:
        """Have all workers checked, also those that join later."""
        versions = self._client.sync(self._client._get_versions, packages=[PROJECT])
        for address, found in versions["workers"].items():
            if found["packages"].get(PROJECT) is None:
                self._refuse(address, f"{PROJECT} is not installed there")
        # It fails where the plugin cannot be loaded: such a worker offers nothing.
        with suppress(Exception):
            self._client.register_plugin(plugin)

    def wait(self) -> int:
        """Wait until all present workers were checked and one passed; returns the items at once.

        Raises:
            ClusterError: none passed.
        """
        deadline = time.monotonic() + self._settings.worker_seconds
        while True:
            found = self._client.scheduler_info()
            amount = offered(found, self._name)
            unknown = [
                address
                for address, one in found["workers"].items()
                if self._name not in one.get("resources", {}) and address not in self._refused
            ]
            if amount and not unknown:
                return amount
            if found["workers"] and not unknown and self._settings.address is not None:
                raise ClusterError(
                    f"no Dask worker can be used: {next(iter(self._refused.values()))}",
                    fix="start the workers from the environment of the driver, on machines that "
                    "mount the store at the same path",
                )
            if time.monotonic() > deadline:
                if amount:
                    return amount
                raise no_worker_error(
                    str(self._client.scheduler.address), self._settings.worker_seconds
                )
            time.sleep(_POLL_SECONDS)

    def _heard(self, event: tuple[float, dict[str, str]]) -> None:
        self._refuse(event[1]["worker"], event[1]["reason"])

    def _refuse(self, address: str, reason: str) -> None:
        if address not in self._refused:
            self._refused[address] = reason
            log.warning("the Dask worker %s is refused: %s", address, reason)


def _remove(client: Client, name: str) -> None:
    """Remove the plugin, which ends the children; a scheduler that is gone needs no answer."""
    with suppress(Exception):
        client.sync(client._unregister_worker_plugin, name=name, callback_timeout=_CLOSE_SECONDS)


def _close(one: Any) -> None:
    with suppress(Exception):
        one.close(timeout=_CLOSE_SECONDS)
