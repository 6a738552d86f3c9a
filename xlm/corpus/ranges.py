"""The headers of partial transfers (RFC 9110, section 14)."""

import re

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


def range_header(start: int, stop: int | None) -> str:
    """The `Range` of bytes `start` up to and without `stop` (None: to the end)."""
    return f"bytes={start}-{'' if stop is None else stop - 1}"


def parse_range(header: str, size: int) -> tuple[int, int]:
    """The (start, stop) of a `Range` header, cut to a file of `size` bytes."""
    match = _RANGE.fullmatch(header.strip())
    if match is None:
        return 0, size
    last = int(match[2]) if match[2] else size - 1
    return int(match[1]), min(last + 1, size)


def parse_content_range(header: str) -> tuple[int, int, int] | None:
    """The (start, stop, size of the whole) of a `Content-Range`; None if it says none."""
    match = _CONTENT_RANGE.fullmatch(header.strip())
    if match is None:
        return None
    return int(match[1]), int(match[2]) + 1, int(match[3])


def strong_validator(etag: str | None, last_modified: str | None) -> str:
    """What `If-Range` may carry: a strong ETag, else the date, else nothing ("")."""
    if etag and not etag.startswith("W/"):
        return etag
    return last_modified or ""
