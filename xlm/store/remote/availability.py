"""Decides when a remote store that did not answer is tried again, and says so once.

The first failure costs some seconds. After it, nothing is sent for half a minute, then for longer,
so that an offline machine does not wait at every node.
"""

import threading
import time
from collections.abc import Callable

from xlm.errors import RemoteStoreError, UnreachableRemoteError

_FIRST_SECONDS = 30.0
_LONGEST_SECONDS = 600.0


class Availability:
    """Whether to send requests now. Methods are called from many threads.

    Args:
        warn: receives a line when the store stops working, and when it works again.
        now: a clock in seconds.
    """

    def __init__(
        self, warn: Callable[[str], None], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._warn, self._now = warn, now
        self._lock = threading.Lock()
        self._next = 0.0
        self._seconds = 0.0

    def __bool__(self) -> bool:
        with self._lock:
            return self._now() >= self._next

    def failed(self, error: RemoteStoreError) -> None:
        """A request failed for a reason that is not about one artifact."""
        with self._lock:
            is_first = not self._seconds
            if isinstance(error, UnreachableRemoteError):
                self._seconds = min(2 * self._seconds or _FIRST_SECONDS, _LONGEST_SECONDS)
            else:
                self._seconds = _LONGEST_SECONDS
            self._next = self._now() + self._seconds
        if is_first:
            self._warn(f"{error}; going on without it")

    def worked(self) -> None:
        """A request was answered."""
        with self._lock:
            was_away, self._seconds, self._next = bool(self._seconds), 0.0, 0.0
        if was_away:
            self._warn("the remote store answers again")
