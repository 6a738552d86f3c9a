"""Sends events in a thread: an endpoint that is slow or broken costs a run nothing but a warning.

with Sender(client) as sender:
    sender.send(event)
"""

import logging
import queue
import threading
from contextvars import copy_context
from types import TracebackType
from typing import Any, Protocol, Self

from xlm.redaction import redact

log = logging.getLogger(__name__)

_MOST_WAITING = 10_000
"""Events of a run of many nodes, if the endpoint does not answer for hours."""
_END_SECONDS = 10.0
"""How long the end of a run waits for events that are still to be sent."""
_END_SECONDS_AFTER_FAILURE = 1.0
"""The same if the endpoint has failed: it is tried several times for each event."""
_THREAD = "openlineage"
_NOISY = ("urllib3.connectionpool", "urllib3.util.retry")
"""They log each attempt; one warning of ours is enough."""


class Client(Protocol):
    """What is used of an OpenLineageClient."""

    def emit(self, event: Any) -> None:
        """Send an event; raises anything if it cannot."""
        ...


class Sender:
    """Sends events one after the other, in their order."""

    def __init__(self, client: Client, *, end_seconds: float = _END_SECONDS) -> None:
        self._client, self._end_seconds = client, end_seconds
        self._events: queue.Queue[Any] = queue.Queue(_MOST_WAITING)
        self._has_warned = False
        self._lock = threading.Lock()
        # A copy, so that warnings are in the log of the run.
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._work,), name=_THREAD, daemon=True
        )

    def __enter__(self) -> Self:
        logging.getLogger("openlineage").setLevel(logging.CRITICAL)
        for name in _NOISY:
            logging.getLogger(name).addFilter(_is_of_another_thread)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._events.put_nowait(None)
            most = _END_SECONDS_AFTER_FAILURE if self._has_warned else self._end_seconds
            self._thread.join(most)
        except queue.Full:
            pass
        if self._thread.is_alive():
            self.warn(f"{self._events.qsize():,} were not sent when the run ended")
        else:
            for name in _NOISY:
                logging.getLogger(name).removeFilter(_is_of_another_thread)

    def send(self, event: Any) -> None:
        """Let the thread send an event; never waits."""
        try:
            self._events.put_nowait(event)
        except queue.Full:
            self.warn("the endpoint is too slow")

    def warn(self, reason: str) -> None:
        """Warn once in a run."""
        with self._lock:
            if self._has_warned:
                return
            self._has_warned = True
        log.warning("OpenLineage events are incomplete: %s; the run goes on", redact(reason))

    def _work(self) -> None:
        while (event := self._events.get()) is not None:
            try:
                self._client.emit(event)
            except Exception as error:
                self.warn(_reason(error))


def _reason(error: Exception) -> str:
    """The cause in one line; an HTTP client nests it in the error of its last attempt."""
    cause = getattr(error.args[0], "reason", None) if error.args else None
    text = " ".join(str(cause or error).split()) or type(error).__name__
    return text if len(text) <= 200 else f"{text[:199]}…"


def _is_of_another_thread(record: logging.LogRecord) -> bool:
    return record.threadName != _THREAD
