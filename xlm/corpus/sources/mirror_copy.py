"""Fills a mirror: copies the files of downloads to `<mirror>/<host>/<path>`, each verified.

    copy = MirrorCopy(Path("/media/disk"), cache)
    copy.add("tatoeba.en-sw", spec, fetcher)    # MirroredFile(url=..., size_bytes=...)

A run with `sources.mirror` then needs no network. Files appear complete or not at all. A broken
transfer continues where it stopped, as in a run. `<mirror>/fetched.lock.yaml` records each file, so
that a second copy downloads only what is missing.

The head of a dump is copied with one byte more than a run reads. A reader then sees that the file
continues, and cuts it as it cuts the head from the server.
"""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from xlm.config.data.downloads import Spec, WikipediaSpec
from xlm.corpus.http.download.fetcher import Fetched, Fetcher
from xlm.corpus.http.mirror import mirror_path
from xlm.corpus.http.verification.content import check_content
from xlm.corpus.http.verification.pins import Pin
from xlm.corpus.sources.download import locate
from xlm.corpus.sources.lock import LockedFile, SourcesLock, read_lock, write_lock
from xlm.corpus.wikipedia.dump import published_digests
from xlm.errors import ChecksumError, ConfigError
from xlm.redaction import redact
from xlm.store.disk.filesystem import write_atomically
from xlm.store.disk.hashing import file_sha256

RECORD = "fetched.lock.yaml"
_PARTS = ".partial"
_HEAD = "The files that `xlm sources fetch` copied to this mirror."


@dataclass(frozen=True)
class MirroredFile:
    """One file of a mirror."""

    url: str
    size_bytes: int
    is_new: bool
    """Whether it was copied now, not by an earlier call."""


@dataclass
class _RecordingFetcher(Fetcher):
    """Keeps the short texts that it downloads: the status and the checksums of a dump."""

    texts: dict[str, str] = field(default_factory=dict)

    def text(self, url: str) -> str | None:
        found = super().text(url)
        if found is not None:
            self.texts[url] = found
        return found


class MirrorCopy:
    """Copies downloads to one mirror."""

    def __init__(self, folder: Path, cache: Path) -> None:
        """Open the folder of a mirror, or create it.

        Args:
            folder: the mirror.
            cache: folder for the unpacked OPUS catalogue.

        Raises:
            ConfigError: the folder is a file, or its record is not readable.
        """
        if folder.exists() and not folder.is_dir():
            raise ConfigError(f"{folder} is not a folder", fix="name a folder for the mirror")
        self._folder = folder
        self._cache = cache
        self._record = folder / RECORD
        self._files = dict(read_lock(self._record).downloads) if self._record.exists() else {}

    def add(
        self,
        name: str,
        spec: Spec,
        fetcher: Fetcher,
        lock: SourcesLock | None = None,
        lock_path: Path = Path(),
    ) -> MirroredFile:
        """Copy the file of a download, unless it is here.

        Args:
            name: id of the download, for the record.
            spec: the download.
            fetcher: downloads from the servers, or from another mirror.
            lock: the lock of the profile; a run checks heads of dumps against it, not a copy.
            lock_path: its file, for messages.

        Raises:
            SourceError: the server does not send the file, or its bytes cannot be verified.
            ConfigError: OPUS does not have the corpus, release or pair.
        """
        url, max_bytes = locate(spec, self._cache)
        head_bytes = spec.head_bytes if spec.kind == "wikipedia" else None
        wanted = None if head_bytes is None else head_bytes + 1
        path = self._path(url)
        known = self._files.get(name)
        if known is not None and _serves(known, path, redact(url), wanted):
            return MirroredFile(url, known.size_bytes, is_new=False)
        recording = _RecordingFetcher(
            fetcher.client, fetcher.network, fetcher.wait, fetcher.progress
        )
        locked = lock.pin_of(lock_path, redact(url), None) if lock else None
        digests = published_digests(recording, spec) if isinstance(spec, WikipediaSpec) else {}
        is_new = known is not None or not path.exists() or path.stat().st_size == wanted
        if is_new:
            fetched = recording.file(
                url,
                path,
                part=part_path(self._folder, name),
                head_bytes=wanted,
                digests=digests,
                pin=locked,
                max_bytes=max_bytes,
            )
        else:
            fetched = _check_present(path, url, digests, locked)
        self._write_texts(recording.texts)
        is_head = fetched.size_bytes < fetched.complete_bytes
        self._files[name] = LockedFile(
            url=redact(url),
            size_bytes=fetched.size_bytes,
            sha256=fetched.sha256,
            date=datetime.now(UTC).strftime("%Y-%m-%d"),
            first_bytes=wanted if is_head else None,
        )
        write_lock(self._record, SourcesLock(downloads=self._files), _HEAD)
        return MirroredFile(url, fetched.size_bytes, is_new)

    def close(self) -> None:
        """Remove the folder of partial files, unless a transfer is to be continued."""
        with suppress(OSError):
            (self._folder / _PARTS).rmdir()

    def _path(self, url: str) -> Path:
        path = mirror_path(str(self._folder), url)
        if path is None:
            raise ConfigError(f"{url} has no place in a mirror", fix="check the URL")
        return path

    def _write_texts(self, texts: Mapping[str, str]) -> None:
        for url, text in texts.items():
            path = self._path(url)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, text.encode())


def part_path(folder: Path, name: str) -> Path:
    """What has arrived of a download whose transfer broke off."""
    return folder / _PARTS / f"{name}.part"


def _check_present(path: Path, url: str, digests: Mapping[str, str], locked: Pin | None) -> Fetched:
    """Check a file that the user put into the mirror, as if it had just been downloaded.

    Raises:
        SourceError: it is not the file of the URL; the message names it.
    """
    size_bytes, sha256 = path.stat().st_size, file_sha256(path)
    for algorithm, digest in digests.items():
        with path.open("rb") as file:
            found = hashlib.file_digest(file, algorithm).hexdigest()
        if found != digest:
            raise ChecksumError(
                f"{path}: {algorithm} is {found}, but the server published {digest}",
                fix="move this file out of the mirror and run again",
            )
    if locked is not None:
        locked.check(url, size_bytes, sha256)
    if not digests:
        check_content(path, url)
    return Fetched(size_bytes, size_bytes, sha256)


def _serves(known: LockedFile, path: Path, url: str, wanted: int | None) -> bool:
    """Whether a file that was copied earlier is still here, and long enough."""
    if known.url != url or not path.is_file() or path.stat().st_size != known.size_bytes:
        return False
    return known.first_bytes is None or (wanted is not None and known.first_bytes >= wanted)
