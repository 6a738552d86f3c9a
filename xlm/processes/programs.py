"""Runs programs under the guard (`child.py`), to their end or line by line.

result = run_process(["wikiextractor", ...], log_path=logs / "wikiextractor.log")
result = stream_process(["fast", ...], log_path=logs / "fast.log", on_line=take)
"""

import os
import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from xlm.errors import ToolError
from xlm.processes.child import GuardedChild, ProcessResult
from xlm.store.disk.filesystem import open_to_append

_FIRST_WAIT_SECONDS = 0.002
_LONGEST_WAIT_SECONDS = 0.1
_TAIL_BYTES = 2000
_TERMINATE_SECONDS = 30.0


def run_process(
    arguments: Sequence[str],
    *,
    log_path: Path,
    timeout_seconds: float | None = None,
    timeout_fix: str = "raise its timeout",
    terminate_seconds: float = _TERMINATE_SECONDS,
    environment: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
    on_wait: Callable[[], None] | None = None,
    accept: Collection[int] = (0,),
) -> ProcessResult:
    """Run a program to its end; its output and errors go to `log_path`, appended.

    `environment` is laid over ours. `on_line` gets each whole line of output, `on_wait` is called
    some times a second; an exception from either ends the program. Whoever must end gets
    `terminate_seconds` between SIGTERM and SIGKILL.

    Raises:
        ToolError: it cannot start, ran too long, or ended with a status not in `accept`.
    """
    name = Path(arguments[0]).name
    with open_to_append(log_path) as log:
        start_bytes = log.seek(0, os.SEEK_END)
        lines = _Lines(log_path, start_bytes, on_line) if on_line else None
        with GuardedChild(
            arguments,
            output=log.fileno(),
            errors=log.fileno(),
            environment=environment,
            terminate_seconds=terminate_seconds,
        ) as child:
            if not _ends_in_time(child, timeout_seconds, lines, on_wait):
                tail = log_tail(log_path, start_bytes)
                raise ToolError(
                    f"{name} did not end within {timeout_seconds:,g} s: {tail}",
                    fix=timeout_fix,
                )
            result = child.result()
    if lines:
        lines.read()
    if result.returncode not in accept:
        raise ToolError(
            f"{name} ended with status {result.returncode}: {log_tail(log_path, start_bytes)}",
            fix=f"see {log_path}",
        )
    return result


def stream_process(
    arguments: Sequence[str],
    *,
    log_path: Path,
    on_line: Callable[[bytes], bool],
    environment: Mapping[str, str] | None = None,
) -> ProcessResult:
    """Run a program, handing on each line of its output as it comes; its errors go to `log_path`.

    The program is ended as soon as `on_line` returns False or raises. The status is not judged: of
    a program that was ended it says nothing.
    """
    with (
        open_to_append(log_path) as log,
        GuardedChild(
            arguments, output=subprocess.PIPE, errors=log.fileno(), environment=environment
        ) as child,
    ):
        for line in child.lines:
            if not on_line(line):
                child.stop()
                break
        return child.result()


def _ends_in_time(
    child: GuardedChild,
    timeout_seconds: float | None,
    lines: "_Lines | None",
    on_wait: Callable[[], None] | None,
) -> bool:
    started = time.monotonic()
    wait_seconds = _FIRST_WAIT_SECONDS
    while not child.ended():
        if timeout_seconds is not None and time.monotonic() - started > timeout_seconds:
            return False
        if lines:
            lines.read()
        if on_wait:
            on_wait()
        time.sleep(wait_seconds)
        wait_seconds = min(wait_seconds * 1.5, _LONGEST_WAIT_SECONDS)
    return True


def log_tail(log_path: Path, start_bytes: int) -> str:
    """The end of what a log has got since it was `start_bytes` long, as one line."""
    with log_path.open("rb") as log:
        size = log.seek(0, os.SEEK_END)
        log.seek(max(start_bytes, size - _TAIL_BYTES))
        text = log.read().decode(errors="replace")
    return (
        " | ".join(line.strip() for line in text.split("\n") if line.strip()) or "it said nothing"
    )


class _Lines:
    """Follows a growing file and hands on its whole lines."""

    def __init__(self, path: Path, offset_bytes: int, on_line: Callable[[str], None]) -> None:
        self._path = path
        self._offset_bytes = offset_bytes
        self._on_line = on_line
        self._rest = b""

    def read(self) -> None:
        with self._path.open("rb") as log:
            log.seek(self._offset_bytes)
            chunk = log.read()
        self._offset_bytes += len(chunk)
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        for line in whole:
            self._on_line(line.decode(errors="replace"))
