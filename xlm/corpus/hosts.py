"""One request to one host: limited in number, judged by status, retried with patience.

Faults that pass (a hung-up connection, 429, 5xx) are `TransientError` and tried again; all others
(404, 403, a wrong checksum) end at once.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar
from urllib.parse import urlsplit

import httpx

from xlm.config.sources import NetworkConfig
from xlm.errors import HostError, SourceError

ResultT = TypeVar("ResultT")

MISSING = (404, 410)
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_MEBIBYTE = 1 << 20

# The limit holds for the process: several downloads of one host run in threads side by side.
_slots: dict[tuple[str, int], threading.BoundedSemaphore] = {}
_slots_lock = threading.Lock()


class TransientError(Exception):
    """A fault that may pass; never leaves this package.

    Args:
        reason: one clause for the error line.
        wait_seconds: what the host asked for, if it did.
        advanced_bytes: what arrived before the fault.
    """

    def __init__(
        self, reason: str, *, wait_seconds: float | None = None, advanced_bytes: int = 0
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait_seconds = wait_seconds
        self.advanced_bytes = advanced_bytes


@contextmanager
def request(
    client: httpx.Client,
    address: str,
    headers: Mapping[str, str],
    *,
    connections: int,
    allowed: tuple[int, ...] = (),
) -> Iterator[httpx.Response]:
    """An open response of success, or of an `allowed` status; every other one is an error.

    Raises:
        TransientError: the host or the line failed in a way that may pass.
        SourceError: the host will not give the file.
    """
    with _slot(address, connections):
        try:
            with client.stream("GET", address, headers=dict(headers)) as response:
                if response.status_code not in allowed:
                    _judge(response, address)
                yield response
        except (httpx.UnsupportedProtocol, httpx.TooManyRedirects, httpx.InvalidURL) as fault:
            raise SourceError(f"{address}: {fault}", fix="check the address") from fault
        except httpx.TransportError as fault:
            raise TransientError(
                f"{type(fault).__name__}: {fault}" if str(fault) else type(fault).__name__
            ) from fault


def persist(
    attempt: Callable[[], ResultT],
    address: str,
    network: NetworkConfig,
    wait: Callable[[float], None] = time.sleep,
) -> ResultT:
    """Repeat an attempt until it succeeds, or fails too often without advancing."""
    failures = 0
    while True:
        try:
            return attempt()
        except TransientError as fault:
            failures = 1 if fault.advanced_bytes >= _MEBIBYTE else failures + 1
            if failures >= network.attempts:
                raise HostError(
                    f"{address}: {fault.reason} ({failures} attempts)",
                    fix="run again later; what arrived is kept and continued",
                ) from fault
            wait(_delay_seconds(failures, fault.wait_seconds, network))


def _delay_seconds(failures: int, asked: float | None, network: NetworkConfig) -> float:
    backoff = network.first_wait_seconds * 2.0 ** (failures - 1) * random.uniform(0.5, 1.5)
    return min(max(backoff, asked or 0.0), network.longest_wait_seconds)


def _judge(response: httpx.Response, address: str) -> None:
    code = response.status_code
    said = f"{address}: the host answered {code} {response.reason_phrase}".rstrip()
    if code in _PASSING:
        wait = _retry_after_seconds(response.headers.get("Retry-After"))
        raise TransientError(
            f"the host answered {code} {response.reason_phrase}", wait_seconds=wait
        )
    if code in MISSING:
        raise SourceError(said, fix="check the address, the version or the date")
    if code not in (200, 206):
        raise SourceError(said, fix="check the address, or use a mirror (sources.mirror)")
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if encoding != "identity":
        raise SourceError(
            f"{address}: the host sent the file encoded as {encoding}, unasked",
            fix="use a mirror that sends files as they are (sources.mirror)",
        )


def _retry_after_seconds(header: str | None) -> float | None:
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        when = parsedate_to_datetime(header)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max((when - datetime.now(UTC)).total_seconds(), 0.0)


def _slot(address: str, connections: int) -> threading.BoundedSemaphore:
    key = (urlsplit(address).netloc, connections)
    with _slots_lock:
        return _slots.setdefault(key, threading.BoundedSemaphore(connections))
