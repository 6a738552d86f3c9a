"""Sends events in a thread: an endpoint that is slow or broken costs a run nothing but a warning.

with Sender(client) as sender:
    sender.send(event)
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from types import TracebackType
from typing import Any, Protocol, Self

from xlm.pipeline.openlineage.quiet import QUIET_CLIENT, SENDING_THREAD
from xlm.redaction import redact

log = logging.getLogger(__name__)

_MOST_WAITING = 10_000
"""Events of a run of many nodes, if the endpoint does not answer for hours."""
_END_SECONDS = 10.0
"""How long the end of a run waits for events that are still to be sent."""
_END_SECONDS_AFTER_FAILURE = 1.0
"""The same if the endpoint has failed: it is tried several times for each event."""
_CLIENT_SHARE = 0.9
"""The share of that time that the client has, so that it reports what it could not send."""


class Client(Protocol):
    """What is used of an OpenLineageClient."""

    def emit(self, event: Any) -> None:
        """Send an event, or let a thread of the client send it; raises anything if it cannot."""
        ...

    def close(self, timeout: float) -> bool:
        """Wait for events that are still to be sent, in seconds; False if some were not."""
        ...


class Sender:
    """Sends events one after the other, in their order."""

    def __init__(self, client: Client, *, end_seconds: float = _END_SECONDS) -> None:
        self._client, self._end_seconds = client, end_seconds
        self._events: queue.Queue[Any] = queue.Queue(_MOST_WAITING)
        self._has_warned = False
        self._lock = threading.Lock()
        self._is_abandoned = False
        self._deadline = 0.0
        # A copy, so that warnings are in the log of the run.
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._work,), name=SENDING_THREAD, daemon=True
        )

    def __enter__(self) -> Self:
        QUIET_CLIENT.begin()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        most = _END_SECONDS_AFTER_FAILURE if self._has_warned else self._end_seconds
        self._deadline = time.monotonic() + most * _CLIENT_SHARE
        try:
            self._events.put_nowait(None)
            self._thread.join(most)
        except queue.Full:
            pass
        if self._thread.is_alive():
            count = self._events.qsize()
            self.warn(f"{f'{count:,}' if count else 'some'} were not sent when the run ended")
            self._is_abandoned = True

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
        try:
            while (event := self._events.get()) is not None and not self._is_abandoned:
                self._try(self._client.emit, event)
            self._try(self._close)
        finally:
            QUIET_CLIENT.end()

    def _close(self) -> None:
        """Some clients send in threads, which end with the process."""
        if not self._client.close(max(self._deadline - time.monotonic(), 0.0)):
            self.warn("some were not sent when the run ended")

    def _try(self, act: Callable[..., object], *arguments: Any) -> None:
        try:
            act(*arguments)
        except Exception as error:
            self.warn(_reason(error))


def _reason(error: Exception) -> str:
    """The cause in one line; an HTTP client nests it in the error of its last attempt."""
    cause = getattr(error.args[0], "reason", None) if error.args else None
    text = " ".join(str(cause or error).split()) or type(error).__name__
    return text if len(text) <= 200 else f"{text[:199]}…"
