"""Runs an external program so that it cannot outlive us unnoticed, hang for ever or fail silently.

run_program(["wikiextractor", ...], log=Path("logs/wikiextractor.log"), timeout_seconds=3600)
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from xlm.errors import ToolError

_POLL_SECONDS = 0.05
_SLOWEST_POLL_SECONDS = 1.0
_GRACE_SECONDS = 5.0
_TAIL_CHARACTERS = 400
# The same bytes in every locale and process.
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1", "PYTHONHASHSEED": "0"}


def find_program(name: str) -> str:
    """The path of a console script: beside this Python, else on PATH.

    Raises:
        ToolError: it is installed at neither place.
    """
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which(name)
    if found is None:
        raise ToolError(f"the program {name} is not installed", fix="run the set-up again")
    return found


def run_program(
    command: Sequence[str],
    *,
    log: Path,
    timeout_seconds: float,
    on_poll: Callable[[], None] = lambda: None,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a command in a process group of its own, its output going to `log`.

    Args:
        on_poll: called about once a second while it runs.

    Raises:
        ToolError: it failed or ran too long; with the end of what it said.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **_ENVIRONMENT, **(environment or {})},
            start_new_session=True,
        )
        try:
            code = _await(process, timeout_seconds, on_poll)
        finally:
            # Also after success: a worker that the program left behind must not write on.
            _end_group(process)
    name = Path(command[0]).name
    if code is None:
        raise ToolError(
            f"{name} did not end within {timeout_seconds:,.0f} s{_tail(log)}",
            fix=f"see {log.name}; raise extract.timeout_seconds if it was still working",
        )
    if code != 0:
        raise ToolError(f"{name} failed with exit code {code}{_tail(log)}", fix=f"see {log.name}")


def _await(
    process: "subprocess.Popen[bytes]", timeout_seconds: float, on_poll: Callable[[], None]
) -> int | None:
    """The exit code, or None when the time is over."""
    end = time.monotonic() + timeout_seconds
    pause = _POLL_SECONDS
    while (left := end - time.monotonic()) > 0:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(min(pause, left))
        pause = min(pause * 2, _SLOWEST_POLL_SECONDS)
        on_poll()
    return None


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    """End what is left of the process group: politely, then by force."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    # The group's id is the leader's pid (start_new_session); it is gone when all members are.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().split("\n")
    tail = " | ".join(line.strip() for line in lines[-5:] if line.strip())
    return f": ...{tail[-_TAIL_CHARACTERS:]}" if tail else ""
