"""Transfers one file into a partial file; every attempt continues the previous one if it can.

HTTPX has no resume. An attempt continues with `Range` and `If-Range`, and appends nothing unless
the server confirms the same version and the same position.
"""

from dataclasses import dataclass, replace

import httpx

from xlm.config.data.sources import NetworkConfig
from xlm.corpus.http.client import DownloadClient
from xlm.corpus.http.download.disk_space import (
    CHECK_EVERY_BYTES,
    free_bytes,
    has_reserve,
    require_space,
)
from xlm.corpus.http.download.partial_file import Origin, PartialFile
from xlm.corpus.http.ranges import (
    content_length,
    parse_content_range,
    range_header,
    strong_validator,
)
from xlm.corpus.http.request import RANGE_NOT_SATISFIABLE, StreamedResponse, report_wait, request
from xlm.corpus.http.retry import TransientError
from xlm.display.progress import Progress
from xlm.errors import SourceError, StoreError


@dataclass
class Transfer:
    """One file on its way from a server to a partial file."""

    client: DownloadClient
    network: NetworkConfig
    url: str
    part: PartialFile
    progress: Progress
    head_bytes: int | None
    """Fetch only the first bytes; None: the complete file."""
    max_bytes: int | None
    """Refuse a larger file; None: no limit."""
    may_resume: bool
    redirected_to: str = ""
    ended_by_closing: bool = False
    """The body had neither a length nor chunks: it ended when the connection closed."""

    @property
    def complete_bytes(self) -> int:
        """Size of the complete file on the server, as far as the server reported it."""
        origin = self.part.origin
        if origin is not None and origin.complete_bytes is not None:
            return origin.complete_bytes
        return self.part.size_bytes

    def attempt(self) -> None:
        """Transfer the rest of the file.

        Raises:
            TransientError: the transfer broke off; another attempt may continue it.
            SourceError: the server refuses the file, or the file is too large.
            StoreError: the disk is too full.
        """
        if self._is_complete():
            return
        before = self.part.size_bytes
        origin = self.part.origin
        if not (origin and origin.validator and before and self.may_resume):
            self.part.discard()
            origin = None
        headers = {}
        if self.part.size_bytes or self.head_bytes is not None:
            headers["Range"] = range_header(self.part.size_bytes, self.head_bytes)
        if origin is not None:
            headers["If-Range"] = origin.validator
        allowed = (RANGE_NOT_SATISFIABLE,)
        try:
            with request(
                self.client, self.url, headers, self.network, allowed, self._on_wait
            ) as streamed:
                self._begin_or_continue(streamed.response)
                self.redirected_to = streamed.url if streamed.redirected else ""
                self._receive(streamed)
        except TransientError as fault:
            fault.advanced_bytes = self.part.size_bytes - before
            raise

    def _on_wait(self, server: str) -> None:
        report_wait(self.progress, self.url, server)

    def _stop(self) -> int | None:
        """The number of bytes at which the transfer ends; None if it is not known."""
        complete = self.part.origin.complete_bytes if self.part.origin else None
        known = [size for size in (self.head_bytes, complete) if size is not None]
        return min(known) if known else None

    def _is_complete(self) -> bool:
        if self.part.origin is None or self.part.size_bytes == 0:
            return False
        stop = self._stop()
        if stop is not None and self.part.size_bytes > stop:
            self.part.discard()
        return self.part.size_bytes == stop

    def _begin_or_continue(self, response: httpx.Response) -> None:
        """Bring the partial file to the position where the body of the response begins."""
        start = self.part.size_bytes
        validator = strong_validator(
            response.headers.get("ETag"), response.headers.get("Last-Modified")
        )
        chunked = "chunked" in response.headers.get("Transfer-Encoding", "").lower()
        length = None if chunked else content_length(response.headers.get("Content-Length"))
        self.ended_by_closing = length is None and not chunked
        if response.status_code == 200:
            self.part.begin(Origin(self.url, validator, length, self.client.mirror_name))
            return
        found = parse_content_range(response.headers.get("Content-Range", ""))
        if response.status_code == RANGE_NOT_SATISFIABLE or found is None or found[0] != start:
            if start == 0:
                raise SourceError(
                    f"{self.url}: the server refuses range requests",
                    fix="fetch the complete file, or use a mirror (sources.mirror)",
                )
            self.part.discard()
            raise TransientError("the server does not resume the transfer where it broke off")
        origin = Origin(self.url, validator, found[2], self.client.mirror_name)
        known = self.part.origin
        if start and known and replace(origin, mirror=known.mirror) != known:
            self.part.discard()
            raise TransientError("the file changed on the server during the transfer")
        if start == 0:
            self.part.begin(origin)

    def _receive(self, streamed: StreamedResponse) -> None:
        part, stop = self.part, self._stop()
        complete = part.origin.complete_bytes if part.origin else None
        if complete is not None and self.head_bytes is None:
            self._check_size(complete)
        require_space(part.path, 0 if stop is None else stop - part.size_bytes)
        name = self.url.rsplit("/", 1)[-1]
        space_checked = part.size_bytes
        for chunk in streamed.chunks():
            part.append(chunk if stop is None else chunk[: stop - part.size_bytes])
            self.progress.update(part.size_bytes, stop, "bytes", name)
            if stop is not None and part.size_bytes >= stop:
                break
            if stop is None:
                self._check_size(part.size_bytes, self.network.largest_unsized_bytes)
                if part.size_bytes - space_checked >= CHECK_EVERY_BYTES:
                    self._check_reserve()
                    space_checked = part.size_bytes
        if stop is not None and part.size_bytes < stop:
            raise TransientError(
                f"the connection closed after {part.size_bytes:,} of {stop:,} bytes"
            )

    def _check_size(self, size_bytes: int, max_unsized_bytes: int | None = None) -> None:
        limits = [limit for limit in (self.max_bytes, max_unsized_bytes) if limit is not None]
        if not limits or size_bytes <= min(limits):
            return
        self.part.discard()
        setting = " or raise sources.network.largest_unsized_bytes" if max_unsized_bytes else ""
        raise SourceError(
            f"{self.url}: the server sends at least {size_bytes:,} bytes, but the limit is "
            f"{min(limits):,}",
            fix=f"check the URL{setting}",
        )

    def _check_reserve(self) -> None:
        """Discard a file of unknown size before it fills the disk."""
        path, arrived = self.part.path, self.part.size_bytes
        if has_reserve(path):
            return
        free = free_bytes(path)
        self.part.discard()
        raise StoreError(
            f"the disk of {path.parent} is too full: {free:,} bytes are free after {arrived:,} "
            "bytes of a file of unknown size",
            fix="free some space or choose another root",
        )
