"""Keeps the client from logging each attempt while events are sent: our one warning is enough."""

import logging
import threading

SENDING_THREAD = "openlineage"
"""Name of the threads that send events."""
_CLIENT = "openlineage"
_SHARED = ("urllib3.connectionpool", "urllib3.util.retry")
"""Loggers that other threads use, too."""


class QuietClient:
    """Silences the loggers of the client from the first `begin` to the last `end`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._level = logging.NOTSET

    def begin(self) -> None:
        """A sender begins."""
        with self._lock:
            self._count += 1
            if self._count > 1:
                return
            logger = logging.getLogger(_CLIENT)
            self._level = logger.level
            logger.setLevel(logging.CRITICAL)
            for name in _SHARED:
                logging.getLogger(name).addFilter(_is_of_another_thread)

    def end(self) -> None:
        """A sender has ended; after the last one, the loggers are as they were."""
        with self._lock:
            self._count -= 1
            if self._count:
                return
            logging.getLogger(_CLIENT).setLevel(self._level)
            for name in _SHARED:
                logging.getLogger(name).removeFilter(_is_of_another_thread)


QUIET_CLIENT = QuietClient()
"""That of this process."""


def _is_of_another_thread(record: logging.LogRecord) -> bool:
    return record.threadName != SENDING_THREAD
