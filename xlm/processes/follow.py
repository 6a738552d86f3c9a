"""Reads log files while programs write them.

follower = JsonFollower(logs / "speed.jsonl")
for record in follower.new_records(): ...
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

_TAIL_BYTES = 2000


class LineFollower:
    """Returns each complete line of a growing file once, from an offset on."""

    def __init__(self, path: Path, offset_bytes: int) -> None:
        self._path = path
        self._offset_bytes = offset_bytes

    def new_lines(self) -> list[bytes]:
        """The lines written since the last call, without their newlines."""
        if not self._path.exists():
            return []
        # A resumed run cuts off the lines after its checkpoint.
        self._offset_bytes = min(self._offset_bytes, self._path.stat().st_size)
        with self._path.open("rb") as file:
            file.seek(self._offset_bytes)
            complete, newline, _ = file.read().rpartition(b"\n")
        self._offset_bytes += len(complete) + len(newline)
        return complete.split(b"\n") if newline else []


class JsonFollower:
    """Returns each complete record of a JSON-lines file once, except for those there at first."""

    def __init__(self, path: Path) -> None:
        self._lines = LineFollower(path, path.stat().st_size if path.exists() else 0)

    def new_records(self) -> Iterator[dict[str, Any]]:
        """The records written since the last call."""
        for line in self._lines.new_lines():
            # A killed writer may have left half a line, to which the next one appended.
            with suppress(ValueError):
                yield json.loads(line)


def log_tail(path: Path, start_bytes: int) -> str:
    """The end of what was written to a log since it was `start_bytes` long, as one line."""
    with path.open("rb") as log:
        size = log.seek(0, os.SEEK_END)
        log.seek(max(start_bytes, size - _TAIL_BYTES))
        text = log.read().decode(errors="replace")
    return " | ".join(line.strip() for line in text.split("\n") if line.strip()) or "no output"
