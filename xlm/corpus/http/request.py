"""Sends one request, limited in connections and time, and turns failures into errors.

Temporary failures (a closed connection, 429, 5xx) raise `TransientError` and are retried. All
others (404, 403, a redirect to another server) raise `SourceError` at once.
"""

import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from xlm.config.data.sources import NetworkConfig
from xlm.config.reading.urls import file_name
from xlm.corpus.http.client import DownloadClient
from xlm.corpus.http.connections.folder import lock_folder
from xlm.corpus.http.connections.server import limit_of
from xlm.corpus.http.connections.slots import slot
from xlm.corpus.http.redirects import MAX_REDIRECTS, next_url
from xlm.corpus.http.retry import TransientError
from xlm.corpus.http.watchdog import Watchdog
from xlm.display.progress import Progress
from xlm.errors import AccessError, SourceError
from xlm.redaction import redact

log = logging.getLogger(__name__)

MISSING = (404, 410)
RANGE_NOT_SATISFIABLE = 416
_UNAUTHORIZED = (401, 407)
_TEMPORARY = (408, 425, 429, 500, 502, 503, 504)
_FIXES = {
    401: "set the user name and password in XLM_CREDENTIALS or ~/.netrc "
    "(docs/how-to/mirrors-and-passwords.md)",
    403: "check the URL and, if the server requires them, user and password "
    "(XLM_CREDENTIALS or ~/.netrc)",
    404: "check the URL, the version or the date",
    407: "the proxy requires user and password: put them into HTTPS_PROXY or HTTP_PROXY",
    410: "the server has removed it: check the version or the date, or use a mirror "
    "(sources.mirror)",
    451: "the server may not send it to your country: use a mirror (sources.mirror)",
}
_TIMEOUTS = 2
"""Headers, or the next bytes of a body, must arrive within this many timeouts."""

OnWait = Callable[[str], None]
"""Called with the name of a server while all connections that it allows are in use."""


def report_wait(progress: Progress, url: str, server: str) -> None:
    """Show that a file waits for a connection; raises if the run was interrupted."""
    progress.update(0, None, "", f"{file_name(url)} waits for a connection to {server}")


@dataclass(frozen=True)
class StreamedResponse:
    """An open response; its body is read with `chunks`."""

    response: httpx.Response
    url: str
    """The URL after all redirects, without secrets."""
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
    on_wait: OnWait = lambda server: None,
) -> Iterator[StreamedResponse]:
    """Send a GET request and open its response.

    Args:
        allowed: status codes to return to the caller in addition to 200 and 206.
        on_wait: called several times a second while it waits; an exception from it ends the wait.

    Raises:
        TransientError: the server or the connection failed in a way that may be temporary.
        SourceError: the server refuses the file, or redirects to where we may not follow.
    """
    try:
        httpx.URL(url)
    except httpx.InvalidURL as fault:
        raise SourceError(f"{url}: {fault}", fix="check the URL") from fault
    current = url
    for _ in range(MAX_REDIRECTS + 1):
        with _send(client, url, current, headers, network, on_wait) as (response, watchdog):
            if not response.has_redirect_location:
                if response.status_code not in allowed:
                    _check_status(response, url)
                served_by = redact(current)
                yield StreamedResponse(response, served_by, current != url, network, watchdog)
                return
        current = next_url(client, url, current, response, network)
        log.warning("%s is redirected to %s", redact(url), redact(current))
    raise SourceError(
        f"{url}: more than {MAX_REDIRECTS} redirects, the last to {current}",
        fix="check the URL, or use a mirror (sources.mirror)",
    )


@contextmanager
def _send(
    client: DownloadClient,
    url: str,
    current: str,
    headers: Mapping[str, str],
    network: NetworkConfig,
    on_wait: OnWait,
) -> Iterator[tuple[httpx.Response, Watchdog]]:
    """Send one request when its server has a connection free.

    Args:
        url: the URL in the configuration, for error messages.
        current: the URL to ask: the same, or the target of a redirect.
    """
    server = client.server_of(current)
    limit = limit_of(server, network.connections_per_host)
    folder = None if client.is_local else lock_folder()
    with slot(server, limit, folder, lambda: on_wait(server)), ExitStack() as stack:
        watchdog = stack.enter_context(Watchdog(_TIMEOUTS * network.timeout_seconds))
        trace = {"trace": watchdog.trace}
        try:
            stream = client.stream("GET", current, headers=dict(headers), extensions=trace)
            try:
                response = stack.enter_context(stream)
            except UnicodeError as fault:
                # HTTPX decodes the server name, also in a redirect; `xn--a` is invalid.
                raise SourceError(
                    f"{url}: the server name, or that of a redirect, is not valid: {fault}",
                    fix="check the URL, or use a mirror (sources.mirror)",
                ) from fault
            watchdog.extend()
            yield response, watchdog
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as fault:
            raise SourceError(f"{url}: {fault}", fix="check the URL") from fault
        except httpx.TransportError as fault:
            raise _connection_error(fault, url, watchdog) from fault


def _connection_error(
    fault: httpx.TransportError, url: str, watchdog: Watchdog
) -> TransientError | SourceError:
    if watchdog.fired:
        return TransientError(f"no data arrived for {watchdog.limit_seconds:.0f} s")
    if isinstance(fault, httpx.ProxyError) and str(fault).startswith("407"):
        return AccessError(f"{url}: the proxy answered {fault}", fix=_FIXES[407])
    cause: BaseException | None = fault
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return SourceError(
                f"{url}: the certificate of the server is not trusted ({cause.verify_message})",
                fix="check the clock and the network; name a company's own certificates in "
                "SSL_CERT_FILE",
            )
        if isinstance(cause, socket.gaierror):
            return TransientError(
                f"the server name cannot be resolved ({cause.strerror})",
                fix="check the network, the URL and the proxy, if there is one "
                "(HTTPS_PROXY, HTTP_PROXY, ALL_PROXY)",
            )
        cause = cause.__cause__ or cause.__context__
    name = type(fault).__name__
    return TransientError(redact(f"{name}: {fault}" if str(fault) else name))


def _check_status(response: httpx.Response, url: str) -> None:
    code = response.status_code
    reason = "".join(filter(str.isprintable, response.reason_phrase[:80]))
    answer = f"the server answered {code} {reason}".rstrip()
    if code in _TEMPORARY:
        wait = _retry_after_seconds(response.headers.get("Retry-After"))
        raise TransientError(answer, wait_seconds=wait)
    if code not in (200, 206):
        fix = _FIXES.get(code, "check the URL, or use a mirror (sources.mirror)")
        kind = AccessError if code in _UNAUTHORIZED else SourceError
        raise kind(f"{url}: {answer}", fix=fix)
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise SourceError(
            f"{url}: the server sent the file encoded as {ascii(encoding[:40])[1:-1]}, "
            "although no encoding was accepted",
            fix="use a mirror that sends files unencoded (sources.mirror)",
        )


def _retry_after_seconds(header: str | None) -> float | None:
    """The wait that the server requests; None if the header is absent or unreadable."""
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
