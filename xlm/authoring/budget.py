"""Reads sizes such as `20GB`."""

import re

from xlm.errors import ConfigError

_UNITS = {"m": 10**6, "g": 10**9, "t": 10**12}
_SIZE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?([mgt])b?", re.IGNORECASE)


def parse_size(text: str) -> int:
    """The number of bytes of a size: `500MB`, `20GB`, `1.5TB`; units are powers of 1,000.

    Raises:
        ConfigError: it is not a size, or less than 1 MB.
    """
    match = _SIZE.fullmatch(text.strip())
    size_bytes = round(float(match[1]) * _UNITS[match[2].lower()]) if match else 0
    if size_bytes < _UNITS["m"]:
        raise ConfigError(
            f"invalid --budget {text[:40]!r}",
            fix="write a size of at least 1MB, e.g. 500MB or 20GB",
        )
    return size_bytes
