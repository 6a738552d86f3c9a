"""Writes to the Prefect server that may fail: what is shown of a stage must never end it."""

import logging
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

RECOVERY_SECONDS = 600.0
"""Prefect tries for a minute to reach a server that is away, and the stage waits meanwhile."""


class ServerReach:
    """Tries to write, and leaves the server alone for a while after it failed."""

    def __init__(self) -> None:
        self._away_until = 0.0

    def attempt(self, what: str, write: Callable[[], None]) -> bool:
        """Whether `write` did its work; a failure is told in the log."""
        if time.monotonic() < self._away_until:
            return False
        try:
            write()
        except Exception as error:  # whatever it is, a training of days must not end for a bar
            self._away_until = time.monotonic() + RECOVERY_SECONDS
            log.warning("%s is not shown: %s", what, error)
            return False
        return True
