"""Files of JSON lines: a training process appends records, the driver follows them.

lines = JsonLines(scratch / "metrics.jsonl")
lines.append({"step": 50, "loss": {"mlm": 5.2}})

follower = JsonFollower(scratch / "metrics.jsonl")
for record in follower.new_records(): ...
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any


class JsonLines:
    """A file of JSON lines that grows by one record at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch()
        self._size_bytes = path.stat().st_size

    def append(self, record: Mapping[str, object]) -> None:
        """Write one record; if the disk is full, the file keeps only complete lines."""
        line = (json.dumps(record) + "\n").encode()
        try:
            with self._path.open("ab") as file:
                file.write(line)
        except OSError:
            with suppress(OSError):
                os.truncate(self._path, self._size_bytes)
            raise
        self._size_bytes += len(line)


class JsonFollower:
    """Returns each complete record once; records from before its creation are skipped."""

    def __init__(self, path: Path) -> None:
        """`path` need not exist yet."""
        self._path = path
        self._offset_bytes = path.stat().st_size if path.exists() else 0

    def new_records(self) -> Iterator[dict[str, Any]]:
        """The records that were written since the last call."""
        if not self._path.exists():
            return
        if self._path.stat().st_size < self._offset_bytes:
            # A resumed run truncates the file to its checkpoint.
            self._offset_bytes = self._path.stat().st_size
        with self._path.open("rb") as file:
            file.seek(self._offset_bytes)
            chunk = file.read()
        complete = chunk[: chunk.rfind(b"\n") + 1]
        self._offset_bytes += len(complete)
        for line in complete.split(b"\n"):
            # A killed process may have left part of a line before the next one.
            with suppress(ValueError):
                yield json.loads(line)
