"""Fetches a file so that it is whole or absent: streamed, resumed, checked, then named.

    fetcher = Fetcher(client, NetworkConfig())
    fetcher.file("https://host/corpus.zip", Path("out/corpus.zip"), part=Path("tmp/corpus.part"))

A transfer that breaks continues with `Range` and `If-Range`, but only where a digest or the format
of the file shows at the end that all bytes belong together; else it starts from zero.
"""

import errno
import hmac
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from xlm.config.data.sources import NetworkConfig
from xlm.corpus.http.confirm import confirm_size
from xlm.corpus.http.content import check_content, proves_itself
from xlm.corpus.http.mirror import DownloadClient
from xlm.corpus.http.partial import Origin, PartialFile
from xlm.corpus.http.pins import Pin
from xlm.corpus.http.ranges import (
    content_length,
    parse_content_range,
    range_header,
    strong_validator,
)
from xlm.corpus.http.servers import MISSING, Answer, TransientError, request, retry
from xlm.display.progress import NoProgress, Progress
from xlm.errors import ChecksumError, SourceError, StoreError, XlmError

_RANGE_NOT_SATISFIABLE = 416
_RESERVE_BYTES = 64 << 20
_SPACE_STEP_BYTES = 16 << 20
_TEXT_LIMIT_BYTES = 16 << 20


@dataclass(frozen=True)
class Fetched:
    """A file that has arrived."""

    size_bytes: int
    host_bytes: int
    """Size of the whole file at its host."""
    sha256: str
    redirected_to: str = ""
    """Where it came from, if the host redirected."""


@dataclass
class _Order:
    """What one call of `Fetcher.file` wants, and what it learns on the way."""

    url: str
    head_bytes: int | None
    progress: Progress
    may_resume: bool
    largest_bytes: int | None
    redirected_to: str = ""
    ended_by_hanging_up: bool = False
    """The body had neither length nor chunks."""

    def stop(self, host_bytes: int | None) -> int | None:
        """The byte before which the transfer ends, if that is known."""
        known = [size for size in (self.head_bytes, host_bytes) if size is not None]
        return min(known) if known else None


@dataclass
class Fetcher:
    """Fetches files and small texts through one client."""

    client: DownloadClient
    network: NetworkConfig
    wait: Callable[[float], None] = field(default=time.sleep)

    def file(
        self,
        url: str,
        target: Path,
        *,
        part: Path,
        head_bytes: int | None = None,
        digests: Mapping[str, str] | None = None,
        pin: Pin | None = None,
        largest_bytes: int | None = None,
        progress: Progress | None = None,
    ) -> Fetched:
        """Fetch a file, or its first `head_bytes`, to `target`.

        Args:
            part: where the bytes gather, on the same file system; kept when the transfer fails.
            digests: what the host published of the whole file, by algorithm (sha1, md5).
            pin: what the URL gave when it was first seen.
            largest_bytes: a file that is larger is refused.

        Raises:
            SourceError: the host does not give the file, or gives too little or too much of it, or
                something else in its place.
            ChecksumError: the bytes are not the published ones, or not those of the first time.
            StoreError: the disk is too full.
        """
        promised = dict(digests or {})
        may_resume = bool(promised) or pin is not None or proves_itself(url)
        arriving = PartialFile(part, ["sha256", *promised])
        order = _Order(url, head_bytes, progress or NoProgress(), may_resume, largest_bytes)
        with _full_disk_is_an_error(part):
            arriving.reopen(url)
            if not may_resume:
                arriving.discard()
            retry(lambda: self._transfer(order, arriving), url, self.network, self.wait)
            host_bytes = arriving.size_bytes
            if arriving.origin is not None and arriving.origin.host_bytes is not None:
                host_bytes = arriving.origin.host_bytes
            sha256 = arriving.digests()["sha256"]
            result = Fetched(arriving.size_bytes, host_bytes, sha256, order.redirected_to)
            try:
                self._check(order, arriving, result, promised, pin)
            except XlmError:
                # What is not trusted must not be continued, or taken for whole, by a rerun.
                arriving.discard()
                raise
            arriving.move_to(target)
        return result

    def text(self, url: str) -> str | None:
        """A small UTF-8 text, or None where the host has no such file."""
        return retry(lambda: self._text(url), url, self.network, self.wait)

    def _check(
        self,
        order: _Order,
        arriving: PartialFile,
        result: Fetched,
        promised: Mapping[str, str],
        pin: Pin | None,
    ) -> None:
        whole = result.size_bytes == result.host_bytes
        if whole and promised:
            _check_digests(order.url, arriving, promised)
            return
        if pin is not None:
            pin.check(order.url, result.size_bytes, result.sha256)
        if whole:
            name = order.url.rsplit("/", 1)[-1]
            check_content(
                arriving.path,
                order.url,
                lambda done: order.progress.update(done, None, "bytes", f"checking {name}"),
            )
            if pin is None and not proves_itself(order.url):
                confirm_size(
                    self.client,
                    order.url,
                    arriving.path,
                    self.network,
                    self.wait,
                    ended_by_hanging_up=order.ended_by_hanging_up,
                )

    def _text(self, url: str) -> str | None:
        with request(self.client, url, {}, self.network, allowed=MISSING) as answer:
            if answer.response.status_code in MISSING:
                return None
            content = bytearray()
            for chunk in answer.chunks():
                content += chunk
                if len(content) > _TEXT_LIMIT_BYTES:
                    raise SourceError(
                        f"{url}: over {_TEXT_LIMIT_BYTES:,} bytes where a short text belongs",
                        fix="check the URL",
                    )
        return content.decode("utf-8", errors="replace")

    def _transfer(self, order: _Order, arriving: PartialFile) -> None:
        if _complete(order, arriving):
            return
        before = arriving.size_bytes
        origin = arriving.origin
        resumable = origin and origin.validator and arriving.size_bytes and order.may_resume
        if not resumable:
            arriving.discard()
            origin = None
        headers = {}
        if arriving.size_bytes or order.head_bytes is not None:
            headers["Range"] = range_header(arriving.size_bytes, order.head_bytes)
        if origin is not None:
            headers["If-Range"] = origin.validator
        allowed = (_RANGE_NOT_SATISFIABLE,)
        try:
            with request(self.client, order.url, headers, self.network, allowed) as answer:
                _place(answer.response, order, arriving)
                order.redirected_to = answer.url if answer.redirected else ""
                self._receive(answer, order, arriving)
        except TransientError as fault:
            fault.advanced_bytes = arriving.size_bytes - before
            raise

    def _receive(self, answer: Answer, order: _Order, arriving: PartialFile) -> None:
        host_bytes = arriving.origin.host_bytes if arriving.origin else None
        stop = order.stop(host_bytes)
        _check_size(order, arriving, host_bytes if order.head_bytes is None else None)
        _check_space(arriving.path, 0 if stop is None else stop - arriving.size_bytes)
        name = order.url.rsplit("/", 1)[-1]
        space_checked = arriving.size_bytes
        for chunk in answer.chunks():
            kept = chunk if stop is None else chunk[: stop - arriving.size_bytes]
            arriving.append(kept)
            order.progress.update(arriving.size_bytes, stop, "bytes", name)
            if stop is not None and arriving.size_bytes >= stop:
                break
            if stop is None:
                unsized = self.network.largest_unsized_bytes
                _check_size(order, arriving, arriving.size_bytes, unsized)
                if arriving.size_bytes - space_checked >= _SPACE_STEP_BYTES:
                    _check_space(arriving.path, 0, arriving)
                    space_checked = arriving.size_bytes
        if stop is not None and arriving.size_bytes < stop:
            raise TransientError(f"hung up after {arriving.size_bytes:,} of {stop:,} bytes")


def _complete(order: _Order, arriving: PartialFile) -> bool:
    if arriving.origin is None or arriving.size_bytes == 0:
        return False
    stop = order.stop(arriving.origin.host_bytes)
    if stop is not None and arriving.size_bytes > stop:
        arriving.discard()
    return arriving.size_bytes == stop


def _place(response: httpx.Response, order: _Order, arriving: PartialFile) -> None:
    """Bring the partial file to where the body of the response begins."""
    start = arriving.size_bytes
    validator = strong_validator(
        response.headers.get("ETag"), response.headers.get("Last-Modified")
    )
    chunked = "chunked" in response.headers.get("Transfer-Encoding", "").lower()
    length = None if chunked else content_length(response.headers.get("Content-Length"))
    order.ended_by_hanging_up = length is None and not chunked
    if response.status_code == 200:
        arriving.begin(Origin(order.url, validator, length))
        return
    found = parse_content_range(response.headers.get("Content-Range", ""))
    if response.status_code == _RANGE_NOT_SATISFIABLE or found is None or found[0] != start:
        if start == 0:
            raise SourceError(
                f"{order.url}: the host refuses the range of its first bytes",
                fix="take the whole file, or use a mirror (sources.mirror)",
            )
        arriving.discard()
        raise TransientError("the host does not continue where the transfer broke off")
    origin = Origin(order.url, validator, found[2])
    if start and origin != arriving.origin:
        arriving.discard()
        raise TransientError("the file changed at its host during the transfer")
    if start == 0:
        arriving.begin(origin)


def _check_digests(url: str, arriving: PartialFile, promised: Mapping[str, str]) -> None:
    found = arriving.digests()
    for algorithm, digest in promised.items():
        if not hmac.compare_digest(found[algorithm].encode(), digest.lower().encode()):
            raise ChecksumError(
                f"{url}: {algorithm} is {found[algorithm]}, the host published {digest}",
                fix="run again; if it stays so, the host's file is damaged: use another mirror",
            )


def _check_size(
    order: _Order, arriving: PartialFile, size_bytes: int | None, unsized_bytes: int | None = None
) -> None:
    limits = [limit for limit in (order.largest_bytes, unsized_bytes) if limit is not None]
    if size_bytes is None or not limits or size_bytes <= min(limits):
        return
    arriving.discard()
    setting = " or raise sources.network.largest_unsized_bytes" if unsized_bytes else ""
    raise SourceError(
        f"{order.url}: the host sends {size_bytes:,} bytes and more, {min(limits):,} are the "
        "most that belong there",
        fix=f"check the URL{setting}",
    )


def _check_space(path: Path, needed_bytes: int, endless: PartialFile | None = None) -> None:
    free = shutil.disk_usage(path.parent).free
    if needed_bytes + _RESERVE_BYTES <= free:
        return
    if endless is None:
        raise _no_space(path, f"{needed_bytes:,} bytes to come, {free:,} free")
    arrived = endless.size_bytes
    endless.discard()
    raise StoreError(
        f"the disk of {path.parent} is too full: {free:,} bytes free after {arrived:,} bytes of a "
        "file whose size the host does not give",
        fix="free some space or choose another root",
    )


def _no_space(path: Path, detail: str) -> StoreError:
    return StoreError(
        f"the disk of {path.parent} is too full: {detail}",
        fix="free some space or choose another root; what arrived is kept",
    )


@contextmanager
def _full_disk_is_an_error(part: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        if fault.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise _no_space(part, fault.strerror or "no space") from fault
