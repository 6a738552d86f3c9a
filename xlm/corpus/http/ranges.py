"""The headers of partial transfers (RFC 9110, section 14)."""

import re

# Sizes of more digits are no sizes.
_RANGE = re.compile(r"bytes=([0-9]{1,18})-([0-9]{0,18})")
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")
_UNSATISFIED = re.compile(r"bytes \*/([0-9]{1,18})")
_LONGEST_VALIDATOR = 500


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


def unsatisfied_size(header: str) -> int | None:
    """The size of the whole in the `Content-Range` of a refused range; None if it says none."""
    match = _UNSATISFIED.fullmatch(header.strip())
    return int(match[1]) if match else None


def content_length(header: str | None) -> int | None:
    """The `Content-Length` as a number; None if there is none that can be read."""
    text = (header or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


def strong_validator(etag: str | None, last_modified: str | None) -> str:
    """What `If-Range` may carry: a strong ETag, else the date, else nothing ("")."""
    if etag and not etag.startswith("W/"):
        return _sendable(etag)
    return _sendable(last_modified or "")


def _sendable(value: str) -> str:
    """A header's value, or nothing where it could not be sent back as it came."""
    fits = len(value) <= _LONGEST_VALIDATOR and value.isascii() and value.isprintable()
    return value if fits else ""
