"""Measures a program with all its child processes, and the files that it writes, while it runs.

    peaks = watch(process, [root / "staging", root / "artifacts" / "split"])

Linux only. A process that lives for less than `_INTERVAL_SECONDS` may not be seen.
"""

import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from xlm.store.stored import tree_bytes

_INTERVAL_SECONDS = 0.1


@dataclass
class Peaks:
    """The highest values while a program ran, in bytes."""

    process_bytes: int = 0
    """Resident memory of the largest process."""
    tree_bytes: int = 0
    """Sum of the resident memory of all processes; shared pages count once for each."""
    disk_bytes: int = 0
    """Size of the files below the watched folders."""


def watch(process: "subprocess.Popen[str]", folders: list[Path]) -> Peaks:
    """Wait for the end of a program and return its peaks."""
    peaks = Peaks()
    while process.poll() is None:
        now = peak = 0
        for number in _tree(process.pid):
            status = _status(number)
            now += status.get("VmRSS", 0)
            peak = max(peak, status.get("VmHWM", 0))
        peaks.process_bytes = max(peaks.process_bytes, peak)
        peaks.tree_bytes = max(peaks.tree_bytes, now)
        peaks.disk_bytes = max(peaks.disk_bytes, sum(map(tree_bytes, folders)))
        time.sleep(_INTERVAL_SECONDS)
    return peaks


def _tree(root: int) -> list[int]:
    found, waiting = [], [root]
    while waiting:
        number = waiting.pop()
        found.append(number)
        with suppress(OSError):
            for task in Path(f"/proc/{number}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
    return found


def _status(number: int) -> dict[str, int]:
    """The memory fields of a process, in bytes; empty if it has ended."""
    with suppress(OSError):
        lines = Path(f"/proc/{number}/status").read_text().splitlines()
        fields = (line.split() for line in lines if line.startswith(("VmRSS", "VmHWM")))
        return {name.rstrip(":"): int(kilobytes) * 1024 for name, kilobytes, _ in fields}
    return {}
