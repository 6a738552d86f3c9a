"""The workers of a scheduler while they are checked, and why some were refused."""

import logging
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from distributed import Client

from xlm.cluster.dask.environment import PROJECT
from xlm.cluster.dask.worker import ItemWorker
from xlm.config.compute import DaskConfig
from xlm.errors import ClusterError
from xlm.store.keys import tool_version

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.2
_CHECK_SECONDS = 60.0
"""Time for the checks of a worker; one that cannot load them says nothing."""


class Workers:
    """Has the workers checked, and waits for the first that passes."""

    def __init__(
        self, client: Client, name: str, settings: DaskConfig, logs: Path | None = None
    ) -> None:
        """Listen to the refusals of the plugin `name`; `logs` is where the workers write."""
        self._client = client
        self._name = name
        self._settings = settings
        self._logs = logs
        self._refused: dict[str, str] = {}
        self._seen: dict[str, float] = {}
        client.subscribe_topic(name, self._heard)

    def register(self, plugin: ItemWorker) -> None:
        """Have all workers checked, also those that join later.

        Raises:
            ToolError: this project is not installed here as a package.
        """
        ours = tool_version(PROJECT)
        # A worker that hangs must not stop the run.
        with suppress(TimeoutError):
            versions = self._client.sync(
                self._client._get_versions, packages=[PROJECT], callback_timeout=_CHECK_SECONDS
            )
            for address, found in versions["workers"].items():
                theirs = found["packages"].get(PROJECT)
                if theirs is None:
                    self._refuse(address, f"{PROJECT} is not installed there")
                elif theirs != ours:
                    self._refuse(address, f"it has {PROJECT} {theirs}, and the driver {ours}")
        # It fails where the plugin cannot be loaded: such a worker offers nothing.
        with suppress(Exception):
            self._client.sync(
                self._client._register_worker_plugin, plugin, plugin.name, False,
                callback_timeout=_CHECK_SECONDS,
            )  # fmt: skip

    def wait(self) -> int:
        """Wait until all present workers were checked and one passed; returns the items at once.

        Raises:
            ClusterError: none passed.
        """
        deadline = time.monotonic() + self._settings.worker_seconds
        expected = 1 if self._settings.cluster is None else self._settings.workers
        while True:
            found = self._client.sync(self._client.scheduler.identity, n_workers=-1)
            amount = offered(found, self._name)
            unknown = self._unknown(found["workers"])
            if amount and not unknown:
                return amount
            if not unknown and len(found["workers"]) >= expected:
                raise self.none()
            if time.monotonic() > deadline:
                if amount:
                    return amount
                raise self.none()
            time.sleep(_POLL_SECONDS)

    def none(self) -> ClusterError:
        """The error for a scheduler without workers that can be used."""
        address, seconds = self._client.scheduler.address, self._settings.worker_seconds
        logs = f"; logs of the jobs: {self._logs}" if self._logs else ""
        if self._refused:
            return ClusterError(
                f"no Dask worker can be used: {list(self._refused.values())[-1]}",
                fix="start the workers from the environment of the driver, on machines that "
                f"mount the store at the same path{logs}",
            )
        return ClusterError(
            f"the Dask scheduler at {address} had no worker for {seconds:g} s",
            fix="start workers, or raise compute.dask.worker_seconds, and run again to continue"
            f"{logs}",
        )

    def _unknown(self, workers: dict[str, dict[str, dict[str, float]]]) -> list[str]:
        """The workers that have neither passed nor been refused; refuses those that take long."""
        waiting = []
        for address, one in workers.items():
            if self._name in one.get("resources", {}) or address in self._refused:
                continue
            since = self._seen.setdefault(address, time.monotonic())
            if time.monotonic() - since < _CHECK_SECONDS:
                waiting.append(address)
            else:
                self._refuse(
                    address,
                    f"it did not run the checks within {_CHECK_SECONDS:g} s: it hangs, or has "
                    f"another {PROJECT}, which does not know them",
                )
        return waiting

    def _heard(self, event: tuple[float, dict[str, str]]) -> None:
        self._refuse(event[1]["worker"], event[1]["reason"])

    def _refuse(self, address: str, reason: str) -> None:
        if address not in self._refused:
            self._refused[address] = reason
            log.warning("the Dask worker %s is refused: %s", address, reason)


def offered(found: Any, name: str) -> int:
    """The amount of a resource that all workers of a scheduler offer together."""
    return int(sum(one.get("resources", {}).get(name, 0) for one in found["workers"].values()))
