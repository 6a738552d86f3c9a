"""Files of JSON lines: a training process appends records, the driver follows them.

lines = JsonLines(scratch / "metrics.jsonl")
lines.append({"step": 50, "loss": {"mlm": 5.2}})

follower = JsonFollower(scratch / "metrics.jsonl")
for record in follower.new_records(): ...
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


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
