"""Writes to the Prefect server that may fail without ending a stage."""

import logging
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

RECOVERY_SECONDS = 600.0
"""Time without writes after a failure: each failed write makes the stage wait for a minute."""


class ServerReach:
    """Tries to write; after a failure, skips all writes for a while."""

    def __init__(self) -> None:
        self._away_until = 0.0

    def attempt(self, what: str, write: Callable[[], None]) -> bool:
        """Call `write`; returns whether it succeeded. A failure is logged."""
        if time.monotonic() < self._away_until:
            return False
        try:
            write()
        except Exception as error:  # no error of the display may end a training of days
            self._away_until = time.monotonic() + RECOVERY_SECONDS
            log.warning("the UI does not show %s: %s", what, error)
            return False
        return True
