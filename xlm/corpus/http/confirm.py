"""Asks a host whether a text ended where it ended: nothing in a text says so.

A body that ends with the connection, a false `Content-Length` and a last chunk that comes early
all look like a whole file. One more request, for its last byte, names the size of the file.
"""

import time
from collections.abc import Callable
from pathlib import Path

from xlm.config.data.sources import NetworkConfig
from xlm.corpus.http.mirror import DownloadClient
from xlm.corpus.http.ranges import (
    content_length,
    parse_content_range,
    range_header,
    unsatisfied_size,
)
from xlm.corpus.http.servers import request, retry
from xlm.errors import SourceError

_RANGE_NOT_SATISFIABLE = 416


def confirm_size(
    client: DownloadClient,
    url: str,
    path: Path,
    network: NetworkConfig,
    wait: Callable[[float], None] = time.sleep,
    *,
    ended_by_hanging_up: bool = False,
) -> None:
    """Compare the size of what arrived with the size that the host gives.

    A host without ranges can confirm nothing: its text must then end with a line end, and must not
    have ended with the connection alone.

    Raises:
        SourceError: the host has more than it sent, or nothing shows that the text is whole.
    """
    size_bytes = path.stat().st_size
    last = _last_byte(path)
    known, proven = retry(lambda: _ask(client, url, size_bytes, network), url, network, wait)
    if known is not None and known != size_bytes:
        raise SourceError(
            f"{url}: {size_bytes:,} bytes arrived, the host has {known:,}",
            fix="run again; if it stays so, use a mirror (sources.mirror)",
        )
    if proven or size_bytes == 0:
        return
    if known is None and ended_by_hanging_up:
        raise SourceError(
            f"{url}: the host gives no size, so nothing shows that the text is whole",
            fix="use a mirror (sources.mirror), or a zip of the file",
        )
    if last != b"\n":
        raise SourceError(
            f"{url}: the text ends within a line, and the host cannot confirm its size",
            fix="run again; if it stays so, use a mirror (sources.mirror)",
        )


def _ask(
    client: DownloadClient, url: str, size_bytes: int, network: NetworkConfig
) -> tuple[int | None, bool]:
    """The size that the host gives, if it does, and whether it knows where the file ends."""
    headers = {"Range": range_header(max(size_bytes - 1, 0), None)}
    allowed = (_RANGE_NOT_SATISFIABLE,)
    with request(client, url, headers, network, allowed) as answer:
        response = answer.response
        content_range = response.headers.get("Content-Range", "")
        if response.status_code == _RANGE_NOT_SATISFIABLE:
            known = unsatisfied_size(content_range)
            return known, known == size_bytes
        if response.status_code == 200:
            return content_length(response.headers.get("Content-Length")), False
        found = parse_content_range(content_range)
        return (found[2], True) if found else (None, False)


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 1, 0))
        return file.read(1)
