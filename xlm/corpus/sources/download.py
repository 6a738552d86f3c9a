"""The download stage: one file of one source, from its host or from a mirror."""

from pathlib import Path

from xlm.config.data.downloads import DownloadSlice, WikipediaSpec
from xlm.corpus.http.fetch import Fetched, Fetcher
from xlm.corpus.http.mirror import is_folder, open_client
from xlm.corpus.http.pins import PinFile
from xlm.corpus.opus.catalogue import find_moses
from xlm.corpus.wikipedia.dump import cut_to_whole_streams, published_digests
from xlm.engine.stage import Source, StageContext, StageResult
from xlm.redaction import redact
from xlm.store.disk.hashing import file_sha256

_SLACK_BYTES = 64 << 20


def download(context: StageContext[DownloadSlice], mirror: str | None) -> StageResult:
    """Fetch the unit's file into `context.out`, under the name that it has at its host."""
    with open_client(mirror, context.config.network) as client:
        fetcher = Fetcher(client, context.config.network)
        source = context.config.source
        if source.kind == "wikipedia":
            return _fetch_dump(context, fetcher, source, mirror)
        known_bytes = source.size_bytes if source.kind == "file" else None
        if source.kind == "opus":
            cache = context.cache or context.scratch
            found = find_moses(cache, source.corpus, source.version, source.codes)
            url, known_bytes = found.url, found.size_bytes
        else:
            url = source.url
        pin = _pin_file(context, url, mirror)
        # The catalogue's sizes are about right: twice as much is another file.
        largest = None if known_bytes is None else 2 * known_bytes + _SLACK_BYTES
        fetched = _fetch(context, fetcher, url, context.out / _name_of(url), pin, largest=largest)
        _record(pin, fetched)
        return _outcome(context, url, fetched, {})


def _fetch_dump(
    context: StageContext[DownloadSlice],
    fetcher: Fetcher,
    source: WikipediaSpec,
    mirror: str | None,
) -> StageResult:
    digests = published_digests(fetcher, source)
    url, head_bytes = source.url, source.head_bytes
    name = _name_of(url)
    # Published digests are of the whole file: a head has to be known by another way.
    pin = _pin_file(context, url, mirror, head_bytes) if head_bytes else None
    # The head gets its name in `out` only after it has been cut.
    arrived = context.scratch / f"{name}.head"
    fetched = _fetch(context, fetcher, url, arrived, pin, head_bytes, digests)
    counts = {"whole": int(fetched.size_bytes == fetched.host_bytes)}
    if not counts["whole"]:
        received = fetched
        cut = cut_to_whole_streams(arrived)
        counts["streams"] = cut.streams
        _record(pin, received)
        fetched = Fetched(
            cut.kept_bytes, received.host_bytes, file_sha256(arrived), received.redirected_to
        )
    arrived.replace(context.out / name)
    return _outcome(context, url, fetched, counts)


def _fetch(
    context: StageContext[DownloadSlice],
    fetcher: Fetcher,
    url: str,
    target: Path,
    pin: PinFile | None,
    head_bytes: int | None = None,
    digests: dict[str, str] | None = None,
    largest: int | None = None,
) -> Fetched:
    return fetcher.file(
        url,
        target,
        part=context.scratch / f"{target.name}.part",
        head_bytes=head_bytes,
        digests=digests,
        pin=pin.read() if pin else None,
        largest_bytes=largest,
        progress=context.progress,
    )


def _pin_file(
    context: StageContext[DownloadSlice],
    url: str,
    mirror: str | None,
    head_bytes: int | None = None,
) -> PinFile | None:
    """Where the first sight of the URL is recorded.

    Nothing is for a folder: its files are the user's own, and a change of theirs is meant.
    """
    if context.pins is None or (mirror is not None and is_folder(mirror)):
        return None
    return PinFile.of(context.pins, url, mirrored=mirror is not None, first_bytes=head_bytes)


def _record(pin: PinFile | None, fetched: Fetched) -> None:
    if pin is not None:
        pin.record(fetched.size_bytes, fetched.sha256)


def _name_of(url: str) -> str:
    return url.rsplit("/", 1)[-1]


def _outcome(
    context: StageContext[DownloadSlice], url: str, fetched: Fetched, counts: dict[str, int]
) -> StageResult:
    source = context.config.source
    return StageResult(
        counts={"bytes": fetched.size_bytes, "host_bytes": fetched.host_bytes, **counts},
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
    )
