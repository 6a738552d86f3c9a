"""Confirms the size of a text with the server, because a text has no end marker.

A body that ends when the connection closes, a false `Content-Length` and an early last chunk all
look like a complete file. One more request, for the last byte, returns the size of the file.
"""

import time
from collections.abc import Callable
from pathlib import Path

from xlm.config.data.sources import NetworkConfig
from xlm.corpus.http.client import DownloadClient
from xlm.corpus.http.ranges import (
    content_length,
    parse_content_range,
    range_header,
    unsatisfied_size,
)
from xlm.corpus.http.request import RANGE_NOT_SATISFIABLE, OnWait, request
from xlm.corpus.http.retry import retry
from xlm.errors import SourceError

_FIX = "run again; if the error persists, use a mirror (sources.mirror)"


def confirm_size(
    client: DownloadClient,
    url: str,
    path: Path,
    network: NetworkConfig,
    wait: Callable[[float], None] = time.sleep,
    *,
    ended_by_closing: bool = False,
    on_wait: OnWait = lambda server: None,
) -> None:
    """Compare the size of a downloaded text with the size that the server reports.

    A server without range requests cannot confirm it. Then the text must end with a line end, and
    its transfer must not have ended merely because the connection closed.

    Raises:
        SourceError: the server has more bytes, or nothing proves that the text is complete.
    """
    size_bytes = path.stat().st_size
    last = _last_byte(path)
    reported, is_proven = retry(
        lambda: _reported_size(client, url, size_bytes, network, on_wait), url, network, wait
    )
    if reported is not None and reported != size_bytes:
        raise SourceError(
            f"{url}: {size_bytes:,} bytes arrived, but the server reports {reported:,}", fix=_FIX
        )
    if is_proven or size_bytes == 0:
        return
    if reported is None and ended_by_closing:
        raise SourceError(
            f"{url}: the server reports no size, so the text may be incomplete",
            fix="use a mirror (sources.mirror), or a zip of the file",
        )
    if last != b"\n":
        raise SourceError(
            f"{url}: the text ends in the middle of a line, and the server cannot confirm its size",
            fix=_FIX,
        )


def _reported_size(
    client: DownloadClient, url: str, size_bytes: int, network: NetworkConfig, on_wait: OnWait
) -> tuple[int | None, bool]:
    """The size that the server reports, if any, and whether it proves where the file ends."""
    headers = {"Range": range_header(max(size_bytes - 1, 0), None)}
    allowed = (RANGE_NOT_SATISFIABLE,)
    with request(client, url, headers, network, allowed, on_wait) as streamed:
        response = streamed.response
        content_range = response.headers.get("Content-Range", "")
        if response.status_code == RANGE_NOT_SATISFIABLE:
            reported = unsatisfied_size(content_range)
            return reported, reported == size_bytes
        if response.status_code == 200:
            return content_length(response.headers.get("Content-Length")), False
        found = parse_content_range(content_range)
        return (found[2], True) if found else (None, False)


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 1, 0))
        return file.read(1)
