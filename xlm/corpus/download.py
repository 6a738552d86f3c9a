"""The download stage: one file of one source, from its host or from a mirror."""

import hashlib
import zipfile
from pathlib import Path

from xlm.corpus.catalogue import find_moses
from xlm.corpus.fetch import Fetched, Fetcher
from xlm.corpus.mirror import open_client
from xlm.corpus.specs import DownloadSlice, OpusSpec, WikipediaSpec
from xlm.corpus.wikipedia_dump import cut_to_whole_streams, published_digests
from xlm.errors import SourceError
from xlm.stage import Outcome, Source, Work

_CHUNK_BYTES = 1 << 20


def download(work: Work[DownloadSlice], mirror: str | None) -> Outcome:
    """Fetch the unit's file into `work.out`, under the name that it has at its host."""
    with open_client(mirror, work.config.network) as client:
        fetcher = Fetcher(client, work.config.network)
        source = work.config.source
        if source.kind == "wikipedia":
            return _fetch_dump(work, fetcher, source)
        address = _opus_address(work, source) if source.kind == "opus" else source.address
        target = work.out / address.rsplit("/", 1)[-1]
        fetched = _fetch(work, fetcher, address, target)
        _check_form(target, address)
        return _outcome(work, address, fetched, {})


def _fetch_dump(work: Work[DownloadSlice], fetcher: Fetcher, source: WikipediaSpec) -> Outcome:
    digests = published_digests(fetcher, source)
    address = source.address
    name = address.rsplit("/", 1)[-1]
    # The head gets its name in `out` only after it has been cut.
    arrived = work.scratch / f"{name}.head"
    fetched = _fetch(work, fetcher, address, arrived, source.head_bytes, digests)
    counts = {"whole": int(fetched.size_bytes == fetched.host_bytes)}
    if not counts["whole"]:
        cut = cut_to_whole_streams(arrived)
        counts["streams"] = cut.streams
        fetched = Fetched(cut.kept_bytes, fetched.host_bytes, _sha256(arrived))
    arrived.replace(work.out / name)
    return _outcome(work, address, fetched, counts)


def _fetch(
    work: Work[DownloadSlice],
    fetcher: Fetcher,
    address: str,
    target: Path,
    head_bytes: int | None = None,
    digests: dict[str, str] | None = None,
) -> Fetched:
    return fetcher.file(
        address,
        target,
        part=work.scratch / f"{target.name}.part",
        head_bytes=head_bytes,
        digests=digests,
        progress=work.progress,
    )


def _opus_address(work: Work[DownloadSlice], source: OpusSpec) -> str:
    cache = work.cache or work.scratch
    return find_moses(cache, source.corpus, source.version, source.codes).address


def _check_form(path: Path, address: str) -> None:
    """A host that answers 200 with a page of apologies must not fill the store with it."""
    if path.suffix == ".zip" and not zipfile.is_zipfile(path):
        path.unlink()
        raise SourceError(
            f"{address}: what the host sent is no zip archive",
            fix="run again; if it stays so, use a mirror (sources.mirror)",
        )


def _outcome(
    work: Work[DownloadSlice], address: str, fetched: Fetched, counts: dict[str, int]
) -> Outcome:
    source = work.config.source
    return Outcome(
        counts={"bytes": fetched.size_bytes, "host_bytes": fetched.host_bytes, **counts},
        sources=(
            Source(
                address=address,
                licence=source.licence,
                name=source.title,
                size_bytes=fetched.size_bytes,
                sha256=fetched.sha256,
            ),
        ),
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
