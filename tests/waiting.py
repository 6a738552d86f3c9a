"""Waiting for what another process or thread does."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 240.0


def wait_until(happened: Callable[[], object], otherwise: str, *, seconds: float = 0) -> None:
    """Wait until something has happened, or fail."""
    deadline = time.monotonic() + (seconds or PATIENCE_SECONDS)
    while not happened():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.1)
