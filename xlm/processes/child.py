"""A program as a child process that cannot outlive us, and that reports what it used.

    with GuardedChild(["fast", ...], output=subprocess.PIPE, errors=log.fileno()) as child:
        ...
        result = child.result()

Every program that we start is one, except for our own workers (`pool/`). Each runs under a guard
(`guard.py`) in its own session. The guard holds one end of a socket, and only we hold the other:
when we die, by whatever signal, the kernel closes it, and the guard ends the whole group within
about 6 seconds. (PR_SET_PDEATHSIG alone is not enough. It needs code between fork and exec, which
is not safe in a threaded parent; it fires when the starting thread ends; and it reaches only one
process. The guard uses it for its command.)

The guard also reports what the program used. The kernel's numbers for the guard are wrong: exec
keeps the peak memory of the process that forked, so /bin/true seemed to use 513 MB when a driver of
500 MB started it.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from xlm.processes.group import current_group
from xlm.processes.signals import END_SIGNALS, NOTICE, as_argument, without_notice
from xlm.store.disk.locks import held_locks

CANNOT_START = 127
"""Status of a program that the system does not start; the reason is in its errors."""
TERMINATE_SECONDS = 30.0

_GUARD = Path(__file__).with_name("guard.py")
_GUARD_SECONDS = 5.0
"""Time for the guard after it has killed its command, before it is killed too."""
_REPORT_BYTES = 200
_KIBIBYTE = 1024


@dataclass(frozen=True)
class ProcessResult:
    """How a program ended and what it used, with all descendants that it waited for."""

    returncode: int
    """Exit status; the negative signal number if a signal ended it."""
    peak_memory_bytes: int
    """Resident peak of the largest single process; 0 if the guard had to be killed."""
    cpu_seconds: float
    """User and system time of all processes together; 0 if the guard had to be killed."""

    def measured(self) -> dict[str, float]:
        """What it used, under the names of `run.json`."""
        return {"cpu_seconds": self.cpu_seconds, "peak_memory_bytes": self.peak_memory_bytes}


class GuardedChild:
    """A running program; leaving the context ends it and all that it started."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        output: int,
        errors: int,
        source: int | None = None,
        environment: Mapping[str, str] | None = None,
        terminate_seconds: float = TERMINATE_SECONDS,
        blocked_signals: Sequence[int] = (),
        keep_locks: bool = True,
    ) -> None:
        """Start the program; `output` and `errors` are file descriptors, or `subprocess.PIPE`.

        Args:
            source: descriptor of its standard input; without it, the program has none.
            environment: variables that are added to ours.
            terminate_seconds: time between SIGTERM and SIGKILL.
            blocked_signals: stay blocked until the program unblocks them.
            keep_locks: the program also holds the locks that this thread holds, until it ends.
        """
        self._terminate_seconds = terminate_seconds
        self._socket, theirs = socket.socketpair()
        try:
            # -I -S: the guard needs only the standard library, so it starts in about 15 ms.
            with without_notice():
                self._process = subprocess.Popen(
                    [
                        *(sys.executable, "-I", "-S", str(_GUARD)),
                        *(str(terminate_seconds), as_argument(blocked_signals)),
                        *(as_argument(END_SIGNALS), str(int(NOTICE))),
                        str(-1 if source is None else source),
                        *arguments,
                    ],
                    stdin=theirs.fileno(),
                    stdout=output,
                    stderr=errors,
                    env={**os.environ, **(environment or {})},
                    start_new_session=True,
                    pass_fds=(
                        *(() if source is None else (source,)),
                        *(held_locks() if keep_locks else ()),
                    ),
                )
        except BaseException:
            self._socket.close()
            raise
        finally:
            theirs.close()
        self._group = current_group()
        if self._group is not None:
            self._group.add(self)

    def __enter__(self) -> "GuardedChild":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the program and all that it started; close the pipes."""
        self.stop()
        if self._group is not None:
            self._group.remove(self)
        self._socket.close()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    @property
    def output(self) -> IO[bytes]:
        """Its output as a stream, if that is a pipe."""
        assert self._process.stdout is not None
        return self._process.stdout

    @property
    def errors(self) -> IO[bytes]:
        """Its errors as a stream, if that is a pipe."""
        assert self._process.stderr is not None
        return self._process.stderr

    def ended(self) -> bool:
        """Whether the program has ended."""
        return self.status() is not None

    def status(self) -> int | None:
        """How it ended, as `ProcessResult.returncode`; None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float) -> int | None:
        """Wait for its end, at most for `seconds`; returns its status."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self.status()

    def ask_to_end(self) -> None:
        """Ask the program to end and do not wait for it; any thread may call this."""
        # The guard sends SIGTERM to the group, and SIGKILL later. (A closed socket would mean that
        # we are dead, and leave less time.)
        with suppress(OSError):
            self._socket.send(b".", socket.MSG_DONTWAIT)

    def send_signal(self, number: int) -> None:
        """Send one of the signals that end a run to the program and all that it has started.

        Unlike after `ask_to_end`, its status tells how the program itself ended.
        """
        with suppress(ProcessLookupError):
            if not self.ended():
                os.killpg(self._process.pid, number)

    def stop(self, seconds: float | None = None) -> None:
        """End the program if it runs, and all that it left running.

        It is killed after `seconds`, if that is sooner than its `terminate_seconds`.
        """
        promised = self._terminate_seconds + _GUARD_SECONDS
        if not self.ended():
            self.ask_to_end()
            self.wait(promised if seconds is None else min(seconds, promised))
        # The id of the group is the guard's pid; the group is gone when all members are.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def result(self) -> ProcessResult:
        """Wait for the end of the program."""
        returncode = self._process.wait()
        # The guard has ended, so its report is either there or will never come.
        self._socket.setblocking(False)
        report = b""
        with suppress(OSError):
            report = self._socket.recv(_REPORT_BYTES)
        peak_kibibytes, cpu_seconds = report.split() if report else (b"0", b"0")
        return ProcessResult(returncode, int(peak_kibibytes) * _KIBIBYTE, float(cpu_seconds))
