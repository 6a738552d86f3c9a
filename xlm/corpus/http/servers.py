"""One request to one host: limited in number and time, judged by status, retried with patience.

Faults that pass (a hung-up connection, 429, 5xx) are `TransientError` and tried again; all others
(404, 403, a wrong checksum, a redirect to another host) end at once.
"""

import logging
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx

from xlm.config.data.sources import NetworkConfig
from xlm.corpus.http.mirror import DownloadClient
from xlm.corpus.http.redirects import MOST_REDIRECTS, next_url
from xlm.corpus.http.watchdog import Watchdog
from xlm.errors import ServerError, SourceError
from xlm.redaction import redact

log = logging.getLogger(__name__)

ResultT = TypeVar("ResultT")

MISSING = (404, 410)
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_FIXES = {
    401: "give user and password in XLM_CREDENTIALS or ~/.netrc "
    "(docs/how-to/mirrors-and-passwords.md)",
    403: "check the URL and, where the host asks for them, user and password "
    "(XLM_CREDENTIALS or ~/.netrc)",
    404: "check the URL, the version or the date",
    407: "the proxy wants user and password: put them into HTTPS_PROXY or HTTP_PROXY",
    410: "the host has removed it: check the version or the date, or use a mirror (sources.mirror)",
    451: "the host may not give it in your country: use a mirror (sources.mirror)",
}
_MEBIBYTE = 1 << 20
_PATIENCE = 2
"""Timeouts within which headers, or the next bytes of a body, must be complete."""

# The limit holds for the process: several downloads of one host run in threads side by side.
_slots: dict[tuple[str, int], threading.BoundedSemaphore] = {}
_slots_lock = threading.Lock()


class TransientError(Exception):
    """A fault that may pass; never leaves this package.

    Args:
        reason: one clause for the error line.
        wait_seconds: what the host asked for, if it did.
        advanced_bytes: what arrived before the fault.
        fix: what to do where it does not pass.
    """

    def __init__(
        self,
        reason: str,
        *,
        wait_seconds: float | None = None,
        advanced_bytes: int = 0,
        fix: str = "run again later; what can be continued is kept",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix
        self.wait_seconds = wait_seconds
        self.advanced_bytes = advanced_bytes


@dataclass(frozen=True)
class Answer:
    """An open response."""

    response: httpx.Response
    url: str
    """Where it came from after all redirects, without secrets."""
    redirected: bool
    network: NetworkConfig
    watchdog: Watchdog

    def chunks(self) -> Iterator[bytes]:
        """The body as it arrives.

        Raises:
            TransientError: it arrives more slowly than the configuration allows.
        """
        window_start, window_bytes = time.monotonic(), 0
        for chunk in self.response.iter_raw():
            self.watchdog.extend()
            yield chunk
            window_bytes += len(chunk)
            elapsed = time.monotonic() - window_start
            if elapsed >= self.network.timeout_seconds:
                if window_bytes < self.network.least_bytes_per_second * elapsed:
                    raise TransientError(f"only {window_bytes:,} bytes in {elapsed:.0f} s")
                window_start, window_bytes = time.monotonic(), 0


@contextmanager
def request(
    client: DownloadClient,
    url: str,
    headers: Mapping[str, str],
    network: NetworkConfig,
    allowed: tuple[int, ...] = (),
) -> Iterator[Answer]:
    """An open response of success, or of an `allowed` status; every other one is an error.

    Raises:
        TransientError: the host or the line failed in a way that may pass.
        SourceError: the host will not give the file, or redirects where we do not follow.
    """
    try:
        httpx.URL(url)
    except httpx.InvalidURL as fault:
        raise SourceError(f"{url}: {fault}", fix="check the URL") from fault
    watchdog = Watchdog(_PATIENCE * network.timeout_seconds)
    with _slot(url, network.connections_per_host), watchdog, ExitStack() as stack:
        try:
            response, final = _open(client, url, headers, network, watchdog, stack)
            if response.status_code not in allowed:
                _judge(response, url)
            yield Answer(response, redact(final), final != url, network, watchdog)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as fault:
            raise SourceError(f"{url}: {fault}", fix="check the URL") from fault
        except httpx.TransportError as fault:
            raise _lost(fault, url, watchdog) from fault


def retry(
    attempt: Callable[[], ResultT],
    url: str,
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
                raise ServerError(
                    f"{url}: {fault.reason} ({failures} attempts)",
                    fix=fault.fix,
                ) from fault
            wait(_delay_seconds(failures, fault.wait_seconds, network))


def _open(
    client: DownloadClient,
    url: str,
    headers: Mapping[str, str],
    network: NetworkConfig,
    watchdog: Watchdog,
    stack: ExitStack,
) -> tuple[httpx.Response, str]:
    """The first answer that is no redirect, and its URL.

    Raises:
        SourceError: a redirect is refused, or names no host.
    """
    current = url
    for _ in range(MOST_REDIRECTS + 1):
        stream = client.stream(
            "GET", current, headers=dict(headers), extensions={"trace": watchdog.trace}
        )
        try:
            response = stack.enter_context(stream)
        except UnicodeError as fault:
            # httpx decodes the server's name, also that of a redirect; `xn--a` is invalid.
            raise SourceError(
                f"{url}: the host name, or that of a redirect, is not valid: {fault}",
                fix="check the URL, or use a mirror (sources.mirror)",
            ) from fault
        watchdog.extend()
        if not response.has_redirect_location:
            return response, current
        response.close()
        current = next_url(client, url, current, response, network)
        log.warning("%s is redirected to %s", redact(url), redact(current))
    raise SourceError(
        f"{url}: more than {MOST_REDIRECTS} redirects, the last to {current}",
        fix="check the URL, or use a mirror (sources.mirror)",
    )


def _lost(
    fault: httpx.TransportError, url: str, watchdog: Watchdog
) -> TransientError | SourceError:
    if watchdog.fired:
        return TransientError(f"nothing useful arrived for {watchdog.limit_seconds:.0f} s")
    cause: BaseException | None = fault
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return SourceError(
                f"{url}: the certificate of the host is not accepted ({cause.verify_message})",
                fix="check the clock and the network; name a company's own certificates in "
                "SSL_CERT_FILE",
            )
        if isinstance(cause, socket.gaierror):
            return TransientError(
                f"the name of the host is not known ({cause.strerror})",
                fix="check the network, the URL and, where there is one, the proxy "
                "(HTTPS_PROXY, HTTP_PROXY, ALL_PROXY)",
            )
        cause = cause.__cause__ or cause.__context__
    name = type(fault).__name__
    return TransientError(redact(f"{name}: {fault}" if str(fault) else name))


def _delay_seconds(failures: int, asked: float | None, network: NetworkConfig) -> float:
    backoff = network.first_wait_seconds * 2.0 ** (failures - 1) * random.uniform(0.5, 1.5)
    return min(max(backoff, asked or 0.0), network.longest_wait_seconds)


def _judge(response: httpx.Response, url: str) -> None:
    code = response.status_code
    reason = "".join(filter(str.isprintable, response.reason_phrase[:80]))
    answer = f"the host answered {code} {reason}".rstrip()
    if code in _PASSING:
        wait = _retry_after_seconds(response.headers.get("Retry-After"))
        raise TransientError(answer, wait_seconds=wait)
    if code not in (200, 206):
        fix = _FIXES.get(code, "check the URL, or use a mirror (sources.mirror)")
        raise SourceError(f"{url}: {answer}", fix=fix)
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise SourceError(
            f"{url}: the host sent the file encoded as {ascii(encoding[:40])[1:-1]}, unasked",
            fix="use a mirror that sends files as they are (sources.mirror)",
        )


def _retry_after_seconds(header: str | None) -> float | None:
    """The wait that a host asks for; None where it asks for nothing that can be read."""
    text = (header or "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:12])
    try:
        when = parsedate_to_datetime(text)
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        return max((when - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _slot(url: str, connections: int) -> threading.BoundedSemaphore:
    key = (httpx.URL(url).netloc.decode(), connections)
    with _slots_lock:
        return _slots.setdefault(key, threading.BoundedSemaphore(connections))
