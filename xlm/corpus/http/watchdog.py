"""Closes a connection that delivers no more data.

The timeout of the HTTP client restarts with every byte. A server that sends one byte of its headers
per minute, an endless series of `100 Continue`, or chunk sizes without chunks never reaches it.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any


class Watchdog:
    """Shuts the connection down when `extend` is not called for `limit_seconds`.

    Pass `trace` as the `trace` extension of an HTTPX request: it gives the watchdog the socket.
    """

    def __init__(self, limit_seconds: float) -> None:
        self.limit_seconds = limit_seconds
        self.fired = False
        self._connection: socket.socket | None = None
        self._deadline = time.monotonic() + limit_seconds
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> "Watchdog":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()
        if self._connection is not None:
            self._connection.close()

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Take the socket of a new connection and restart the time limit."""
        if event != "connection.connect_tcp.complete":
            return
        opened: socket.socket = info["return_value"].get_extra_info("socket")
        with self._changed:
            if self._connection is not None:
                self._connection.close()
            # TLS takes over the socket; the duplicate stays ours and is the same connection.
            self._connection = opened.dup()
            self._deadline = time.monotonic() + self.limit_seconds
        if not self._thread.is_alive():
            self._thread.start()

    def extend(self) -> None:
        """Restart the time limit: data arrived."""
        # No lock and no wake-up: the thread checks the deadline when the old one has passed.
        self._deadline = time.monotonic() + self.limit_seconds

    def _watch(self) -> None:
        with self._changed:
            while not self._ended:
                left = self._deadline - time.monotonic()
                if left > 0:
                    self._changed.wait(left)
                    continue
                self.fired = True
                if self._connection is not None:
                    with contextlib.suppress(OSError):
                        self._connection.shutdown(socket.SHUT_RDWR)
                return
