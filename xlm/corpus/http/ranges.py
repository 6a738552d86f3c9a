"""Reads and writes the headers of partial transfers (RFC 9110, section 14)."""

import re

# A number with more digits is not a file size.
_RANGE = re.compile(r"bytes=([0-9]{1,18})-([0-9]{0,18})")
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")
_UNSATISFIED = re.compile(r"bytes \*/([0-9]{1,18})")
_MAX_VALIDATOR_CHARACTERS = 500


def range_header(start: int, stop: int | None) -> str:
    """The `Range` header for bytes `start` to `stop`, exclusive (None: to the end)."""
    return f"bytes={start}-{'' if stop is None else stop - 1}"


def parse_range(header: str, size: int) -> tuple[int, int]:
    """The (start, stop) of a `Range` header, clipped to a file of `size` bytes."""
    match = _RANGE.fullmatch(header.strip())
    if match is None:
        return 0, size
    last = int(match[2]) if match[2] else size - 1
    return int(match[1]), min(last + 1, size)


def parse_content_range(header: str) -> tuple[int, int, int] | None:
    """The (start, stop, total size) of a `Content-Range` header; None if it is unreadable."""
    match = _CONTENT_RANGE.fullmatch(header.strip())
    if match is None:
        return None
    return int(match[1]), int(match[2]) + 1, int(match[3])


def unsatisfied_size(header: str) -> int | None:
    """The total size in the `Content-Range` of a 416 response; None if it has none."""
    match = _UNSATISFIED.fullmatch(header.strip())
    return int(match[1]) if match else None


def content_length(header: str | None) -> int | None:
    """The `Content-Length` as a number; None if it is absent or unreadable."""
    text = (header or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


def strong_validator(etag: str | None, last_modified: str | None) -> str:
    """The value for `If-Range`: a strong ETag, else the date, else an empty string."""
    if etag and not etag.startswith("W/"):
        return _sendable(etag)
    return _sendable(last_modified or "")


def _sendable(value: str) -> str:
    """The value of a header, or an empty string if it cannot be sent back unchanged."""
    fits = len(value) <= _MAX_VALIDATOR_CHARACTERS and value.isascii() and value.isprintable()
    return value if fits else ""
