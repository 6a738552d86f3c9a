"""Ends a connection on which nothing arrives any more.

A timeout of the HTTP client counts from byte to byte: a host that sends one byte of its headers a
minute, `100 Continue` without end or chunk sizes without chunks stays below it for years.
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

    Use `trace` as the `trace` extension of an HTTPX request: it learns of the socket from there.
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
        """Take the socket of a new connection; the time counts from there."""
        if event != "connection.connect_tcp.complete":
            return
        opened: socket.socket = info["return_value"].get_extra_info("socket")
        with self._changed:
            if self._connection is not None:
                self._connection.close()
            # TLS takes the socket over: a duplicate stays ours and is the same connection.
            self._connection = opened.dup()
            self._deadline = time.monotonic() + self.limit_seconds
        if not self._thread.is_alive():
            self._thread.start()

    def extend(self) -> None:
        """Something useful arrived: count from now."""
        # No lock and no wake-up: the thread looks at the deadline when the old one has passed.
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
