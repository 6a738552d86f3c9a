"""Whether fastBPE can hold the distinct words of a sample in the memory of this machine."""

import os
from pathlib import Path
from typing import Final

from xlm.errors import DataError

_TYPE_BYTES: Final = 1_300
"""What fastBPE holds for a distinct word (bench/bpe.py)."""
_LEAST_TYPE_BYTES: Final = 4
"""A million distinct words have at least three bytes each, and a separator."""
_MEMORY_INFO: Final = Path("/proc/meminfo")
_LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def may_be_too_large(sample_bytes: int) -> bool:
    """Whether the distinct words of a sample have to be counted before fastBPE may start."""
    return sample_bytes // _LEAST_TYPE_BYTES * _TYPE_BYTES > available_bytes()


def require_memory(types: int) -> None:
    """Check that fastBPE can hold this many distinct words.

    Raises:
        DataError: this machine has too little memory.
    """
    needed, available = types * _TYPE_BYTES, available_bytes()
    if needed > available:
        raise DataError(
            f"fastBPE needs about {needed / 1e9:,.0f} GB of memory for the {types:,} distinct "
            f"words of the sample, and {available / 1e9:,.0f} GB are free",
            fix="set bpe.learner=deterministic, which needs a quarter, or lower bpe.sample_lines",
        )


def available_bytes() -> int:
    """The memory that a new process can have: what is free, up to the limit of the container."""
    limits = [int(text) for path in _LIMITS if (text := _text(path)).isdigit()]
    for line in _text(_MEMORY_INFO).splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return min([int(value.split()[0]) * 1024, *limits])
    return min([os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *limits])


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
