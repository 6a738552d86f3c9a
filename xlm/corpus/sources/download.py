"""The download stage: one file of one source, from its server or from a mirror."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from xlm.config.data.downloads import DownloadSlice, Spec, WikipediaSpec
from xlm.config.reading.urls import file_name
from xlm.corpus.http.client import DownloadClient
from xlm.corpus.http.download.fetcher import Fetched, Fetcher
from xlm.corpus.http.mirror import is_folder
from xlm.corpus.http.verification.pins import Pin, PinFile
from xlm.corpus.parallel.opus_catalogue import find_moses
from xlm.corpus.sources.lock import read_lock
from xlm.corpus.sources.mirrors import ask_mirrors
from xlm.corpus.wikipedia.dump import cut_to_complete_streams, published_digests
from xlm.engine.stage import FileDigest, Source, StageContext, StageResult
from xlm.redaction import redact
from xlm.store.disk.hashing import file_sha256

_TOLERANCE_BYTES = 64 << 20


def download(context: StageContext[DownloadSlice], mirrors: Sequence[str]) -> StageResult:
    """Download the unit's file into `context.out`, under its name on the server.

    Args:
        mirrors: folders or URLs, asked in this order; empty: the server itself.

    Raises:
        SourceError: the server does not send the file, or its bytes cannot be verified.
        ConfigError: OPUS does not have the configured corpus, release or pair.
        ChecksumError: the bytes differ from the lock, or from the first download.
    """
    source = context.config.source
    if source.kind == "wikipedia":
        name, ask = file_name(source.url), partial(_download_dump, context, source)
    else:
        url, max_bytes = locate(source, context.cache or context.scratch)
        name, ask = file_name(url), partial(_download_file, context, url, max_bytes)
    served = ask_mirrors(name, mirrors, context.config.network, ask)
    # Which mirror it was cannot change the bytes: a measured value, which is in no key.
    measured = {"mirror": served.mirror} if served.mirror else {}
    return replace(served.result, measured=measured)


def locate(source: Spec, cache: Path) -> tuple[str, int | None]:
    """The URL of a download, and the size above which it must be another file.

    Raises:
        ConfigError: OPUS does not have the configured corpus, release or pair.
    """
    known_bytes = source.size_bytes if source.kind == "file" else None
    if source.kind == "opus":
        found = find_moses(cache, source.corpus, source.version, source.codes)
        url, known_bytes = found.url, found.size_bytes
    else:
        url = source.url
    # The catalogue's sizes are approximate; a file of twice the size is another one.
    return url, None if known_bytes is None else 2 * known_bytes + _TOLERANCE_BYTES


def _download_file(
    context: StageContext[DownloadSlice],
    url: str,
    max_bytes: int | None,
    client: DownloadClient,
    mirror: str | None,
) -> StageResult:
    fetcher = Fetcher(client, context.config.network, progress=context.progress)
    pin_file = _pin_file(context, url, mirror)
    target = context.out / file_name(url)
    locked = _locked(context, url)
    pin = locked or _read(pin_file)
    fetched = _fetch(context, fetcher, url, target, pin, max_bytes=max_bytes)
    _record(pin_file, fetched)
    return _result(context, url, target, fetched, {}, locked)


def _download_dump(
    context: StageContext[DownloadSlice],
    source: WikipediaSpec,
    client: DownloadClient,
    mirror: str | None,
) -> StageResult:
    fetcher = Fetcher(client, context.config.network, progress=context.progress)
    digests = published_digests(fetcher, source)
    url, head_bytes = source.url, source.head_bytes
    name = file_name(url)
    # Published digests cover the complete file; only a pin can verify a head.
    pin_file = _pin_file(context, url, mirror, head_bytes) if head_bytes else None
    # The head is moved to `out` only after it has been cut.
    target = context.scratch / f"{name}.head"
    locked = _locked(context, url, head_bytes)
    pin = None if locked else _read(pin_file)
    fetched = _fetch(context, fetcher, url, target, pin, head_bytes, digests)
    received = fetched
    counts = {"whole": int(fetched.size_bytes == fetched.complete_bytes)}
    if not counts["whole"]:
        cut = cut_to_complete_streams(target)
        counts["streams"] = cut.streams
        # The digest of the transfer covers the bytes before the cut.
        fetched = Fetched(
            cut.kept_bytes, received.complete_bytes, file_sha256(target), received.redirected_to
        )
    if locked is not None:
        locked.check(url, fetched.size_bytes, fetched.sha256)
    if not counts["whole"]:
        _record(pin_file, received)
    path = target.replace(context.out / name)
    return _result(context, url, path, fetched, counts, locked)


def _fetch(
    context: StageContext[DownloadSlice],
    fetcher: Fetcher,
    url: str,
    target: Path,
    pin: Pin | None,
    head_bytes: int | None = None,
    digests: dict[str, str] | None = None,
    max_bytes: int | None = None,
) -> Fetched:
    return fetcher.file(
        url,
        target,
        part=context.scratch / f"{target.name}.part",
        head_bytes=head_bytes,
        digests=digests,
        pin=pin,
        max_bytes=max_bytes,
    )


def _locked(
    context: StageContext[DownloadSlice], url: str, head_bytes: int | None = None
) -> Pin | None:
    """What the lock says about a URL; it replaces the record of the first download."""
    if context.config.lock is None:
        return None
    path = Path(context.config.lock)
    return read_lock(path).pin_of(path, redact(url), head_bytes)


def _pin_file(
    context: StageContext[DownloadSlice],
    url: str,
    mirror: str | None,
    head_bytes: int | None = None,
) -> PinFile | None:
    """The file that records the first download of a URL.

    None for a mirror in a folder: the user changes its files on purpose.
    """
    if context.pins is None or (mirror is not None and is_folder(mirror)):
        return None
    return PinFile.of(context.pins, url, mirrored=mirror is not None, first_bytes=head_bytes)


def _read(pin_file: PinFile | None) -> Pin | None:
    return None if pin_file is None else pin_file.read()


def _record(pin_file: PinFile | None, fetched: Fetched) -> None:
    if pin_file is not None:
        pin_file.record(fetched.size_bytes, fetched.sha256)


def _result(
    context: StageContext[DownloadSlice],
    url: str,
    path: Path,
    fetched: Fetched,
    counts: dict[str, int],
    locked: Pin | None,
) -> StageResult:
    source, lock = context.config.source, context.config.lock
    not_locked = f"{lock} does not list {redact(url)}; add it with `xlm sources lock`"
    return StageResult(
        counts={"bytes": fetched.size_bytes, "host_bytes": fetched.complete_bytes, **counts},
        sources=(
            Source(
                url=redact(url),
                licence=source.licence,
                name=source.title,
                size_bytes=fetched.size_bytes,
                sha256=fetched.sha256,
                redirected_to=fetched.redirected_to,
            ),
        ),
        warnings=() if lock is None or locked else (not_locked,),
        hashed=[FileDigest.of(path, fetched.sha256)],
    )
