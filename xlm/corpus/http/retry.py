"""Repeats a request that fails for a reason that may be temporary.

Written by hand because the attempts are counted per MiB of progress: a large file over a bad line
may break off any number of times, as long as every attempt advances.
"""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from xlm.config.data.sources import NetworkConfig
from xlm.errors import ServerError

ResultT = TypeVar("ResultT")

_MEBIBYTE = 1 << 20


class TransientError(Exception):
    """A failure that may be temporary; only used inside `xlm.corpus.http`.

    Args:
        reason: one clause for the error message.
        wait_seconds: the wait that the server requested, if any.
        advanced_bytes: how many bytes arrived before the failure.
        fix: what to do if it persists.
    """

    def __init__(
        self,
        reason: str,
        *,
        wait_seconds: float | None = None,
        advanced_bytes: int = 0,
        fix: str = "run again later; the download continues where it stopped if it can",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix
        self.wait_seconds = wait_seconds
        self.advanced_bytes = advanced_bytes


def retry(
    attempt: Callable[[], ResultT],
    url: str,
    network: NetworkConfig,
    wait: Callable[[float], None] = time.sleep,
) -> ResultT:
    """Call `attempt` until it succeeds.

    Raises:
        ServerError: `network.attempts` attempts in a row failed without a MiB of progress.
    """
    failures = 0
    while True:
        try:
            return attempt()
        except TransientError as fault:
            failures = 1 if fault.advanced_bytes >= _MEBIBYTE else failures + 1
            if failures >= network.attempts:
                raise ServerError(
                    f"{url}: {fault.reason} ({failures} attempts)",
                    fix=fault.fix,
                ) from fault
            wait(_delay_seconds(failures, fault.wait_seconds, network))


def _delay_seconds(failures: int, requested: float | None, network: NetworkConfig) -> float:
    backoff = network.first_wait_seconds * 2.0 ** (failures - 1) * random.uniform(0.5, 1.5)
    return min(max(backoff, requested or 0.0), network.longest_wait_seconds)
