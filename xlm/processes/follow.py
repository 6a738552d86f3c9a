"""Follows a growing JSON-lines file that a training process writes.

follower = JsonFollower(logs / "speed.jsonl")
for record in follower.new_records(): ...
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any


class JsonFollower:
    """Hands out each whole record once; records that were there before are skipped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset_bytes = path.stat().st_size if path.exists() else 0

    def new_records(self) -> Iterator[dict[str, Any]]:
        """The records written since the last call."""
        if not self._path.exists():
            return
        if self._path.stat().st_size < self._offset_bytes:
            # A resumed run cuts off what lies after its checkpoint.
            self._offset_bytes = self._path.stat().st_size
        with self._path.open("rb") as file:
            file.seek(self._offset_bytes)
            chunk = file.read()
        whole = chunk[: chunk.rfind(b"\n") + 1]
        self._offset_bytes += len(whole)
        for line in whole.split(b"\n"):
            # A killed writer may have left half a line, to which the next one appended.
            with suppress(ValueError):
                yield json.loads(line)
