"""Fetches a file so that it is whole or absent: streamed, resumed, checked, then named.

    fetcher = Fetcher(client, NetworkConfig())
    fetcher.file("https://host/corpus.zip", Path("out/corpus.zip"), part=Path("tmp/corpus.part"))

A transfer that breaks continues with `Range` and `If-Range`; if the host ignores the range, or its
file has changed meanwhile, it starts from zero. Nothing is ever appended on trust.
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

from xlm.config.sources import NetworkConfig
from xlm.corpus.hosts import MISSING, TransientError, persist, request
from xlm.corpus.partial import Origin, PartialFile
from xlm.corpus.ranges import parse_content_range, range_header, strong_validator
from xlm.errors import ChecksumError, SourceError, StoreError
from xlm.progress import NoProgress, Progress

_RANGE_NOT_SATISFIABLE = 416
_RESERVE_BYTES = 64 << 20
_TEXT_LIMIT_BYTES = 16 << 20


@dataclass(frozen=True)
class Fetched:
    """A file that has arrived."""

    size_bytes: int
    host_bytes: int
    """Size of the whole file at its host."""
    sha256: str


@dataclass(frozen=True)
class _Order:
    """What one call of `Fetcher.file` wants."""

    address: str
    head_bytes: int | None
    progress: Progress

    def stop(self, host_bytes: int | None) -> int | None:
        """The byte before which the transfer ends, if that is known."""
        known = [size for size in (self.head_bytes, host_bytes) if size is not None]
        return min(known) if known else None


@dataclass
class Fetcher:
    """Fetches files and small texts through one client."""

    client: httpx.Client
    network: NetworkConfig
    wait: Callable[[float], None] = field(default=time.sleep)

    def file(
        self,
        address: str,
        target: Path,
        *,
        part: Path,
        head_bytes: int | None = None,
        digests: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> Fetched:
        """Fetch a file, or its first `head_bytes`, to `target`.

        Args:
            part: where the bytes gather, on the same file system; kept when the transfer fails.
            digests: what the host published of the whole file, by algorithm (sha1, md5).

        Raises:
            SourceError: the host does not give the file, or gives too little of it.
            ChecksumError: the whole file arrived and is not the published one.
            StoreError: the disk is too full.
        """
        promised = dict(digests or {})
        arriving = PartialFile(part, ["sha256", *promised])
        order = _Order(address, head_bytes, progress or NoProgress())
        with _full_disk_is_an_error(part):
            arriving.reopen(address)
            persist(lambda: self._transfer(order, arriving), address, self.network, self.wait)
            host_bytes = arriving.size_bytes
            if arriving.origin is not None and arriving.origin.host_bytes is not None:
                host_bytes = arriving.origin.host_bytes
            if arriving.size_bytes == host_bytes:
                _check_digests(address, arriving, promised)
            result = Fetched(arriving.size_bytes, host_bytes, arriving.digests()["sha256"])
            arriving.move_to(target)
        return result

    def text(self, address: str) -> str | None:
        """A small UTF-8 text, or None where the host has no such file."""
        return persist(lambda: self._text(address), address, self.network, self.wait)

    def _text(self, address: str) -> str | None:
        limit = self.network.connections_per_host
        with request(self.client, address, {}, connections=limit, allowed=MISSING) as response:
            if response.status_code in MISSING:
                return None
            content = bytearray()
            for chunk in response.iter_raw():
                content += chunk
                if len(content) > _TEXT_LIMIT_BYTES:
                    raise SourceError(
                        f"{address}: over {_TEXT_LIMIT_BYTES:,} bytes where a short text belongs",
                        fix="check the address",
                    )
        return content.decode("utf-8", errors="replace")

    def _transfer(self, order: _Order, arriving: PartialFile) -> None:
        if _complete(order, arriving):
            return
        before = arriving.size_bytes
        origin = arriving.origin
        if origin is not None and not (origin.validator and arriving.size_bytes):
            arriving.discard()
            origin = None
        headers = {}
        if arriving.size_bytes or order.head_bytes is not None:
            headers["Range"] = range_header(arriving.size_bytes, order.head_bytes)
        if origin is not None:
            headers["If-Range"] = origin.validator
        try:
            with request(
                self.client,
                order.address,
                headers,
                connections=self.network.connections_per_host,
                allowed=(_RANGE_NOT_SATISFIABLE,),
            ) as response:
                _place(response, order, arriving)
                self._receive(response, order, arriving)
        except TransientError as fault:
            fault.advanced_bytes = arriving.size_bytes - before
            raise

    def _receive(self, response: httpx.Response, order: _Order, arriving: PartialFile) -> None:
        host_bytes = arriving.origin.host_bytes if arriving.origin else None
        stop = order.stop(host_bytes)
        _check_space(arriving.path, 0 if stop is None else stop - arriving.size_bytes)
        name = order.address.rsplit("/", 1)[-1]
        window_start, window_bytes = time.monotonic(), 0
        for chunk in response.iter_raw():
            kept = chunk if stop is None else chunk[: stop - arriving.size_bytes]
            arriving.append(kept)
            order.progress.update(arriving.size_bytes, stop, "bytes", name)
            if stop is not None and arriving.size_bytes >= stop:
                break
            window_bytes += len(chunk)
            elapsed = time.monotonic() - window_start
            if elapsed >= self.network.timeout_seconds:
                if window_bytes < self.network.least_bytes_per_second * elapsed:
                    raise TransientError(f"only {window_bytes:,} bytes in {elapsed:.0f} s")
                window_start, window_bytes = time.monotonic(), 0
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
    if response.status_code == 200:
        length = response.headers.get("Content-Length")
        size = int(length) if length else None
        arriving.begin(Origin(order.address, validator, size))
        return
    found = parse_content_range(response.headers.get("Content-Range", ""))
    if response.status_code == _RANGE_NOT_SATISFIABLE or found is None or found[0] != start:
        if start == 0:
            raise SourceError(
                f"{order.address}: the host refuses the range of its first bytes",
                fix="take the whole file, or use a mirror (sources.mirror)",
            )
        arriving.discard()
        raise TransientError("the host does not continue where the transfer broke off")
    origin = Origin(order.address, validator, found[2])
    if start and origin != arriving.origin:
        arriving.discard()
        raise TransientError("the file changed at its host during the transfer")
    if start == 0:
        arriving.begin(origin)


def _check_digests(address: str, arriving: PartialFile, promised: Mapping[str, str]) -> None:
    found = arriving.digests()
    for algorithm, digest in promised.items():
        if not hmac.compare_digest(found[algorithm], digest.lower()):
            arriving.discard()
            raise ChecksumError(
                f"{address}: {algorithm} is {found[algorithm]}, the host published {digest}",
                fix="run again; if it stays so, the host's file is damaged: use another mirror",
            )


def _check_space(path: Path, needed_bytes: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if needed_bytes + _RESERVE_BYTES > free:
        raise _no_space(path, f"{needed_bytes:,} bytes to come, {free:,} free")


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
