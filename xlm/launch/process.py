"""Runs a program as a child that cannot outlive us, and says what it cost.

    result = run_process(["wikiextractor", ...], log_path=logs / "wikiextractor.log")

The child runs under a guard (`guard.py`) in a session of its own. The guard holds the read end of
a pipe whose write end only we hold: when we die, by whatever signal, the kernel closes it, and the
guard kills the whole group. (PR_SET_PDEATHSIG would need code between fork and exec, which is not
safe in a threaded parent, fires when the starting thread ends, and reaches one process only.)
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from resource import struct_rusage

from xlm.errors import ToolError

_GUARD = Path(__file__).with_name("guard.py")
_FIRST_WAIT_SECONDS = 0.002
_LONGEST_WAIT_SECONDS = 0.1
_TAIL_BYTES = 2000
_TERMINATE_SECONDS = 30.0
_KIBIBYTE = 1024


@dataclass(frozen=True)
class ProcessResult:
    """How a program ended and what it took, its waited-for descendants included."""

    returncode: int
    """Exit status; the negative signal number when a signal ended it."""
    peak_memory_bytes: int
    """Resident peak of the largest single process."""
    cpu_seconds: float
    """User and system time of all processes together."""


def run_process(
    arguments: Sequence[str],
    *,
    log_path: Path,
    timeout_seconds: float | None = None,
    environment: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
    on_wait: Callable[[], None] | None = None,
    accept: Collection[int] = (0,),
) -> ProcessResult:
    """Run a program to its end; its output and errors go to `log_path`, appended.

    `environment` is laid over ours. `on_line` gets each whole line of output, `on_wait` is called
    some times a second; an exception from either ends the program.

    Raises:
        ToolError: it cannot start, ran too long, or ended with a status not in `accept`.
    """
    name = Path(arguments[0]).name
    start_bytes = log_path.stat().st_size if log_path.exists() else 0
    with log_path.open("ab") as log:
        alive_read, alive_write = os.pipe()
        try:
            process = _start(arguments, alive_read, log.fileno(), environment)
        except BaseException:
            os.close(alive_write)
            raise
        finally:
            os.close(alive_read)
    lines = _Lines(log_path, start_bytes, on_line) if on_line else None
    try:
        status, usage = _wait(process, name, timeout_seconds, lines, on_wait)
    except BaseException:
        _end(process, alive_write)
        raise
    os.close(alive_write)
    if lines:
        lines.read()
    result = ProcessResult(
        returncode=_returncode(status),
        peak_memory_bytes=usage.ru_maxrss * _KIBIBYTE,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
    )
    if result.returncode not in accept:
        raise ToolError(
            f"{name} ended with status {result.returncode}: {_tail(log_path, start_bytes)}",
            fix=f"see {log_path}",
        )
    return result


def _start(
    arguments: Sequence[str],
    alive_read: int,
    log: int,
    environment: Mapping[str, str] | None,
) -> "subprocess.Popen[bytes]":
    # -I -S: the guard needs nothing but the standard library, so it starts in some 15 ms.
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(_GUARD), *arguments],
        stdin=alive_read,
        stdout=log,
        stderr=log,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
    )


def _wait(
    process: "subprocess.Popen[bytes]",
    name: str,
    timeout_seconds: float | None,
    lines: "_Lines | None",
    on_wait: Callable[[], None] | None,
) -> tuple[int, struct_rusage]:
    started = time.monotonic()
    wait_seconds = _FIRST_WAIT_SECONDS
    while True:
        # wait4 and not Popen.wait: it alone returns the usage of this one child.
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = _returncode(status)
            return status, usage
        if timeout_seconds is not None and time.monotonic() - started > timeout_seconds:
            raise ToolError(
                f"{name} did not end within {timeout_seconds:g} s", fix="raise its timeout"
            )
        if lines:
            lines.read()
        if on_wait:
            on_wait()
        time.sleep(wait_seconds)
        wait_seconds = min(wait_seconds * 1.5, _LONGEST_WAIT_SECONDS)


def _end(process: "subprocess.Popen[bytes]", alive_write: int) -> None:
    """Let the guard end its group (SIGTERM, then SIGKILL), and do not leave without it."""
    os.close(alive_write)
    if process.returncode is not None:
        return
    try:
        process.wait(timeout=_TERMINATE_SECONDS + 5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _returncode(status: int) -> int:
    return os.waitstatus_to_exitcode(status)


def _tail(log_path: Path, start_bytes: int) -> str:
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
