"""The part of a run in a Dask worker: checks the machine, then runs items in child processes.

    client.register_plugin(ItemWorker(...))                       # also for workers that join later
    client.submit(run_item, ..., resources={plugin.name: 1})      # only on workers that passed

A worker offers the resource of the run after its checks, so that a refused one gets no item. The
refusal is an event of the topic with the name of the plugin.
"""

import asyncio
import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from distributed import WorkerPlugin, get_worker

from xlm.cluster.dask.children import Children
from xlm.cluster.dask.environment import Environment
from xlm.cluster.dask.probe import Probe
from xlm.errors import ClusterError

_WATCH_SECONDS = 2.0
_END_SECONDS = 10.0
"""Time for a worker that was started for one run to end by itself."""
_RUNS = frozenset({"executing", "long-running"})


class ItemWorker(WorkerPlugin):  # type: ignore[misc]
    """Checks a worker when it joins, and owns the children that run its items."""

    def __init__(
        self,
        probe: Probe,
        environment: Environment,
        variables: Mapping[str, str],
        *,
        ends_worker: bool,
    ) -> None:
        """Make the plugin; with `ends_worker`, the worker ends with the run."""
        self.name = f"xlm-{probe.token}"
        self._probe = probe
        self._environment = environment
        self._variables = dict(variables)
        self._ends_worker = ends_worker

    async def setup(self, worker: Any) -> None:
        """Offer the resource of the run if the worker can work on its store."""
        # In a thread: a network file system may hang, and the worker must answer meanwhile.
        reason = await asyncio.to_thread(self._reason_to_refuse, str(worker.id))
        if reason is not None:
            worker.log_event(self.name, {"worker": worker.address, "reason": reason})
            return
        self._children = Children(self._variables)
        self._closed = threading.Event()
        threading.Thread(target=self._watch_driver, args=(worker,), daemon=True).start()
        await worker.set_resources(**{self.name: worker.state.nthreads})

    def teardown(self, worker: Any) -> None:
        """End the children."""
        if (children := self._running_children()) is not None:
            self._closed.set()
            children.end()

    def transition(self, key: Any, start: str, finish: str, **_: Any) -> None:
        """Kill the child of an item that nobody wants any more; Dask lets it run on."""
        children = self._running_children()
        if children is not None and start in _RUNS and finish == "released":
            children.cancel(key)

    def run(self, key: str, call: bytes, *, fresh: bool) -> bytes:
        """Run an item; see `Children.run`."""
        return self._children.run(key, call, fresh=fresh)

    def _reason_to_refuse(self, worker_id: str) -> str | None:
        try:
            here = Environment.of_this_process()
        except ClusterError as error:
            return error.what
        return self._environment.difference(here) or self._probe.reason_to_refuse(worker_id)

    def _running_children(self) -> Children | None:
        return getattr(self, "_children", None)

    def _watch_driver(self, worker: Any) -> None:
        """End the children of a driver that was killed; its scheduler may not notice for long."""
        missed = 0
        while missed < 2 and not self._closed.wait(_WATCH_SECONDS):
            missed = missed + 1 if self._probe.driver_has_ended() else 0
        if not self._closed.is_set():
            loop = worker.loop.asyncio_loop
            with suppress(Exception):  # a scheduler that is gone needs no answer
                asyncio.run_coroutine_threadsafe(self._withdraw(worker), loop).result(_END_SECONDS)
            self._closed.set()
        self._children.end()
        if self._ends_worker:
            # A worker that gets SIGTERM while its scheduler ends may wait for it without end.
            time.sleep(_END_SECONDS)
            os._exit(0)

    async def _withdraw(self, worker: Any) -> None:
        """Get no more items. Those that wait here are answered as died, so that they run again."""
        reason = "the driver does not hold its lock any more, as seen from there"
        worker.log_event(self.name, {"worker": worker.address, "reason": reason})
        # Only in the scheduler: without the resource here, items that wait would get no answer.
        await worker.scheduler.set_resources(
            worker=worker.contact_address, resources={self.name: 0}
        )


def run_item(name: str, call: bytes, fresh: bool) -> bytes:
    """Run a pickled call in a child of this worker; runs in one of its threads.

    Args:
        name: of the plugin.
        call: the pickled call.
        fresh: whether to use a new child.

    Raises:
        ToolError: the system cannot start another process.
    """
    worker = get_worker()
    plugin: ItemWorker = worker.plugins[name]
    return plugin.run(worker.get_current_task(), call, fresh=fresh)
