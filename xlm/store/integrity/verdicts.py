"""Records whether rebuilding an existing key gave the same bytes: `<key>.checks`, JSON lines."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from xlm.store.disk.filesystem import read_small, write_atomically
from xlm.store.keys import canonical_json

Verdict = Literal["identical", "different"]


def record_verdict(path: Path, digest: str, verdict: Verdict) -> None:
    """Append one verdict with the current time."""
    line = {"digest": digest, "verdict": verdict, "time": datetime.now(UTC).isoformat()}
    try:
        earlier = read_small(path)
    except OSError:
        earlier = b""
    write_atomically(path, earlier + canonical_json(line).encode() + b"\n")


def read_verdicts(path: Path) -> list[dict[str, str]]:
    """Read the verdicts (digest, verdict, time); damaged lines are skipped."""
    try:
        lines = read_small(path).decode(errors="replace").splitlines()
    except OSError:
        return []
    found: list[dict[str, str]] = []
    for line in lines:
        try:
            verdict = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(verdict, dict):
            found.append({str(name): str(value) for name, value in verdict.items()})
    return found
