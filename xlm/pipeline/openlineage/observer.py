"""An observer that reports a run as OpenLineage events, if a setting or the environment asks.

lineage = LineageObserver.of(config)                  # checks the setting before the run
with lineage.reporting(run, record): ...              # record: the path of the run's record
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from xlm.config.environment import configures_openlineage, openlineage_namespace
from xlm.config.pipeline import PipelineConfig
from xlm.engine.events import Finished, NoObserver
from xlm.engine.stage import Node
from xlm.errors import ConfigError
from xlm.pipeline.dag import PipelineRun
from xlm.pipeline.openlineage.client import configured_client, file_client, require_package
from xlm.pipeline.openlineage.sending import Client, Sender
from xlm.pipeline.run_record import events_path

log = logging.getLogger(__name__)

OpenClient = Callable[[Path], Client]
"""Opens a client for the run whose record has this path."""


class LineageObserver(NoObserver):
    """Sends the events of nodes while `reporting`; before and after, it ignores them.

    Args:
        open_client: how to open the client; None: nothing is reported.
    """

    def __init__(self, open_client: OpenClient | None) -> None:
        self._open_client = open_client
        self._sender: Sender | None = None
        self._events: Any = None
        self._lock = threading.RLock()
        """Events are made and queued in the same order."""

    @classmethod
    def of(cls, config: PipelineConfig) -> Self:
        """The observer for the setting `lineage.openlineage`.

        Raises:
            ConfigError: the setting needs a package or an endpoint that is not there.
        """
        chosen = config.lineage.openlineage
        if chosen == "off" or (chosen is None and not configures_openlineage()):
            return cls(None)
        try:
            require_package()
            if chosen == "file":
                return cls(lambda record: file_client(events_path(record)))
            client = configured_client()
        except ConfigError as error:
            if chosen is not None:
                raise
            # The environment may be meant for other programs.
            log.warning("no OpenLineage events are sent: %s", error)
            return cls(None)
        return cls(lambda record: client)

    @contextmanager
    def reporting(self, run: PipelineRun, record: Path) -> Iterator[None]:
        """Report the run from now on, and its end.

        The end waits for the endpoint. What must not be late is done inside.
        """
        if self._open_client is None:
            yield
            return
        from xlm.pipeline.openlineage.events import RunEvents

        with Sender(self._open_client(record)) as sender:
            self._sender, self._events = sender, RunEvents(run, openlineage_namespace())
            self._report(lambda: self._events.run_started())
            try:
                yield
            finally:
                self._report(lambda: self._events.run_ended())
                self._sender = None

    def started(self, node: Node) -> None:
        """Report a start."""
        self._report(lambda: self._events.node_started(node))

    def finished(self, event: Finished) -> None:
        """Report an end."""
        self._report(lambda: self._events.node_finished(event))

    def _report(self, make: Callable[[], Sequence[Any]]) -> None:
        with self._lock:
            sender = self._sender
            if sender is None:
                return
            try:
                events = make()
            except Exception as error:
                # A report must not fail what it reports.
                sender.warn(f"{type(error).__name__}: {error}")
                return
            for event in events:
                sender.send(event)
