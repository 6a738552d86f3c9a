"""Wikipedia dumps on their server: their status, their checksums, and how to cut a head.

A multistream dump is a sequence of independent bzip2 streams: the header, then 100 pages per
stream. The first bytes of a dump therefore contain complete pages once the last, truncated stream
is dropped.
"""

import bz2
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xlm.config.data.downloads import DUMPS_URL, WikipediaSpec
from xlm.corpus.http.download.fetcher import Fetcher
from xlm.errors import DataError, SourceError

# Large wikis are dumped in parts; another job joins the parts into one file.
_JOBS = ("articlesmultistreamdumprecombine", "articlesmultistreamdump")
_DATE_LINK = re.compile(r'href="[^"]*?(\d{8})/?"')
_MAX_DATES_TRIED = 12
_DIGEST_LENGTHS = {"sha1": 40, "md5": 32}
_MAX_STATUS_DEPTH = 100
_MAX_SHOWN_CHARACTERS = 80
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Cut:
    """The complete streams at the start of a multistream file."""

    kept_bytes: int
    streams: int


def published_digests(fetcher: Fetcher, spec: WikipediaSpec) -> dict[str, str]:
    """Check that the dump is finished; returns its published digests by algorithm.

    Raises:
        SourceError: there is no dump of that date, or it is not finished; the message names the
            newest finished dump.
    """
    status = fetcher.text(f"{spec.folder}/dumpstatus.json")
    if status is None:
        raise _refused(fetcher, spec, "is not on the server")
    file = _finished_file(status, spec)
    if isinstance(file, str):
        raise _refused(fetcher, spec, f"is not finished ({file})")
    name = spec.url.rsplit("/", 1)[-1]
    digests = {
        algorithm: _digest(algorithm, file[algorithm], f"{spec.folder}/dumpstatus.json", name)
        for algorithm in _DIGEST_LENGTHS
        if file.get(algorithm)
    }
    for algorithm in _DIGEST_LENGTHS:
        url = f"{spec.folder}/{spec.wiki}-{spec.date}-{algorithm}sums.txt"
        listed = _listed_digest(fetcher.text(url), name)
        if listed is None:
            continue
        listed = _digest(algorithm, listed, url, name)
        if digests.setdefault(algorithm, listed) != listed:
            raise SourceError(
                f"{url}: {algorithm} of {name} differs from dumpstatus.json",
                fix="the dump is being rewritten: run again later, or choose another date",
            )
    if not digests:
        raise _refused(fetcher, spec, "has no checksums")
    return digests


def newest_finished(fetcher: Fetcher, wikis: Sequence[str]) -> str:
    """The newest date, YYYYMMDD, at which the dumps of all these Wikipedias are finished.

    Raises:
        SourceError: there is none among the last dates; the message says what the newest one lacks.
    """
    folder = f"{DUMPS_URL}/{wikis[0]}/"
    listing = fetcher.text(folder)
    dates = sorted({match[1] for match in _DATE_LINK.finditer(listing or "")}, reverse=True)
    lacks: list[str] = []
    for date in dates[:_MAX_DATES_TRIED]:
        for wiki in wikis:
            if (why := _why_not(fetcher, wiki, date)) is not None:
                lacks.append(f"{date}: {wiki} is {why}")
                break
        else:
            return date
    raise SourceError(
        f"{folder}: no date has finished dumps of {', '.join(wikis)}"
        + (f" ({lacks[0]})" if lacks else ""),
        fix="set sources.wikipedia.date, or run again when the dumps are finished",
    )


def cut_to_complete_streams(path: Path) -> Cut:
    """Truncate a file after its last complete bzip2 stream.

    Raises:
        DataError: the header and the first stream of pages are not complete.
    """
    decoder = bz2.BZ2Decompressor()
    streams = kept_bytes = read_bytes = 0
    with path.open("rb") as file:
        pending = b""
        try:
            while pending or (pending := file.read(_CHUNK_BYTES)):
                if decoder.eof:
                    decoder = bz2.BZ2Decompressor()
                read_bytes += len(pending)
                # The output is discarded in chunks: a decompression bomb costs time, not memory.
                decoder.decompress(pending, _CHUNK_BYTES)
                while not (decoder.eof or decoder.needs_input):
                    decoder.decompress(b"", _CHUNK_BYTES)
                pending = decoder.unused_data if decoder.eof else b""
                read_bytes -= len(pending)
                if decoder.eof:
                    streams, kept_bytes = streams + 1, read_bytes
        except OSError as fault:
            raise DataError(
                f"{path.name}: no bzip2 data at byte {kept_bytes:,}",
                fix="download it again with --refresh download",
            ) from fault
    if streams < 2:
        raise DataError(
            f"{path.name}: no complete stream of pages in the first {path.stat().st_size:,} bytes",
            fix="raise sources.wikipedia.head_bytes (2000000 bytes are about 200 pages)",
        )
    with path.open("r+b") as file:
        file.truncate(kept_bytes)
    return Cut(kept_bytes, streams)


def _finished_file(status: str, spec: WikipediaSpec) -> Mapping[str, Any] | str:
    """The entry of the dump's file, or the state of its job if the file is not finished."""
    try:
        # The JSON parser is recursive: deep nesting would exhaust its stack and take minutes.
        if _is_deep(status):
            return "dumpstatus.json is not readable"
        jobs = json.loads(status)["jobs"]
        name = spec.url.rsplit("/", 1)[-1]
        state = "no multistream job"
        for job in (jobs[name] for name in _JOBS if name in jobs):
            state = str(job["status"])
            if state == "done" and name in job.get("files", {}):
                file: Mapping[str, Any] = job["files"][name]
                return file if isinstance(file, dict) else "dumpstatus.json is not readable"
        return f"no file {name}" if state == "done" else _shown(state)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "dumpstatus.json is not readable"


def _digest(algorithm: str, value: object, url: str, name: str) -> str:
    """The digest in lower case.

    Raises:
        SourceError: it is not a digest of this algorithm.
    """
    text = str(value).lower()
    if len(text) == _DIGEST_LENGTHS[algorithm] and set(text) <= set("0123456789abcdef"):
        return text
    raise SourceError(
        f"{url}: {_shown(text)!r} is not the {algorithm} of {name}",
        fix="run again later; if the error persists, choose another date or a "
        "mirror (sources.mirror)",
    )


def _shown(text: str) -> str:
    shown = text if len(text) <= _MAX_SHOWN_CHARACTERS else f"{text[:_MAX_SHOWN_CHARACTERS]}..."
    return ascii(shown)[1:-1]


def _is_deep(text: str) -> bool:
    depth = 0
    for bracket in re.finditer(r"[\[\]{}]", text):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > _MAX_STATUS_DEPTH:
            return True
    return False


def _refused(fetcher: Fetcher, spec: WikipediaSpec, why: str) -> SourceError:
    try:
        newest = newest_finished(fetcher, (spec.wiki,))
    except SourceError:
        fix = f"there is no finished dump at {DUMPS_URL}/{spec.wiki}/"
    else:
        fix = f"set sources.wikipedia.date={newest}, the newest finished dump"
    return SourceError(f"the {spec.wiki} dump of {spec.date} {why}", fix=fix)


def _why_not(fetcher: Fetcher, wiki: str, date: str) -> str | None:
    """Why a dump cannot be used; None if it is finished."""
    spec = WikipediaSpec(title="", licence="", wiki=wiki, date=date, head_bytes=None)
    status = fetcher.text(f"{spec.folder}/dumpstatus.json")
    if status is None:
        return "not on the server"
    file = _finished_file(status, spec)
    return file if isinstance(file, str) else None


def _listed_digest(sums: str | None, name: str) -> str | None:
    """The digest of a file in the output of `md5sum` or `sha1sum`, also of binary mode."""
    for line in (sums or "").removeprefix("\ufeff").splitlines():
        digest, _, listed = line.strip().replace("\t", " ").partition(" ")
        if listed.strip().removeprefix("*") == name:
            return digest
    return None
