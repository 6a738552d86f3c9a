"""Runs programs under the guard (`child.py`): to their end, line by line, or for a short output.

result = run_process(["wikiextractor", ...], log_path=logs / "wikiextractor.log")
result = stream_process(["fast", ...], log_path=logs / "fast.log", on_line=take)
status, text = capture_process(["kytea", "--version"], timeout_seconds=20)
"""

import os
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile

from xlm.errors import ToolError
from xlm.processes.child import CANNOT_START, TERMINATE_SECONDS, GuardedChild, ProcessResult
from xlm.processes.follow import LineFollower, log_tail
from xlm.processes.supervise import wait_for
from xlm.store.disk.filesystem import open_to_append


def run_process(
    arguments: Sequence[str],
    *,
    log_path: Path,
    timeout_seconds: float | None = None,
    timeout_fix: str = "raise its timeout",
    terminate_seconds: float = TERMINATE_SECONDS,
    environment: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
    on_wait: Callable[[], None] | None = None,
    accept: Collection[int] = (0,),
) -> ProcessResult:
    """Run a program to its end; its output and errors are appended to `log_path`.

    `environment` is added to ours. `on_line` gets each complete line of output, `on_wait` is called
    several times a second; an exception from either ends the program. A program that must end gets
    `terminate_seconds` between SIGTERM and SIGKILL.

    Raises:
        ToolError: it cannot start, ran too long, or ended with a status not in `accept`.
    """
    name = Path(arguments[0]).name
    with open_to_append(log_path) as log:
        start_bytes = log.seek(0, os.SEEK_END)
        follower = LineFollower(log_path, start_bytes)

        def report() -> None:
            if on_line is not None:
                for line in follower.new_lines():
                    on_line(line.decode(errors="replace"))

        def report_and_wait() -> None:
            report()
            if on_wait is not None:
                on_wait()

        with GuardedChild(
            arguments,
            output=log.fileno(),
            errors=log.fileno(),
            environment=environment,
            terminate_seconds=terminate_seconds,
        ) as child:
            if not wait_for([child], on_wait=report_and_wait, timeout_seconds=timeout_seconds):
                tail = log_tail(log_path, start_bytes)
                raise ToolError(
                    f"{name} did not end within {timeout_seconds:,g} s: {tail}", fix=timeout_fix
                )
            result = child.result()
    report()
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
    """Run a program, passing on each line of its output at once; its errors go to `log_path`.

    The program is ended as soon as `on_line` returns False or raises. The status is not checked: it
    says nothing about a program that was ended.
    """
    with (
        open_to_append(log_path) as log,
        GuardedChild(
            arguments, output=subprocess.PIPE, errors=log.fileno(), environment=environment
        ) as child,
    ):
        for line in child.output:
            if not on_line(line):
                child.stop()
                break
        return child.result()


def capture_process(
    arguments: Sequence[str], *, timeout_seconds: float | None = None
) -> tuple[int, str]:
    """Run a program that prints little; returns its status, and its output with its errors.

    Raises:
        ToolError: it cannot start, or ran too long.
    """
    name = Path(arguments[0]).name
    with TemporaryFile() as printed:
        with GuardedChild(
            arguments, output=printed.fileno(), errors=printed.fileno(), keep_locks=False
        ) as child:
            if not wait_for([child], timeout_seconds=timeout_seconds):
                raise ToolError(
                    f"{name} did not end within {timeout_seconds:,g} s", fix="try it by hand"
                )
            status = child.result().returncode
        printed.seek(0)
        text = printed.read().decode(errors="replace").strip()
    if status == CANNOT_START:
        raise ToolError(f"{name} cannot start: {text}", fix="check that it is installed")
    return status, text
