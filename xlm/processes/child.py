"""A program as a child that cannot outlive us, and that says what it cost.

    with GuardedChild(["fast", ...], output=subprocess.PIPE, errors=log.fileno()) as child:
        ...
        result = child.result()

It runs under a guard (`guard.py`) in a session of its own. The guard holds one end of a socket
whose other end only we hold: when we die, by whatever signal, the kernel closes it, and the guard
ends the whole group within some 6 seconds. (PR_SET_PDEATHSIG would need code between fork and exec,
which is not safe in a threaded parent, fires when the starting thread ends, and reaches one process
only; between guard and command it serves.)

The guard writes into the socket what the program used. The kernel's account of the guard itself
will not do: exec keeps the peak memory of the process that forked, so /bin/true, started by a
driver of 500 MB, "took" 513 MB.
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
from xlm.processes.notice import without_notice
from xlm.store.disk.locks import held_locks

_GUARD = Path(__file__).with_name("guard.py")
_PATIENCE_SECONDS = 5.0
"""What the guard gets beyond its own wait, before it is killed too."""
_REPORT_BYTES = 200
_KIBIBYTE = 1024


@dataclass(frozen=True)
class ProcessResult:
    """How a program ended and what it took, its waited-for descendants included."""

    returncode: int
    """Exit status; the negative signal number when a signal ended it."""
    peak_memory_bytes: int
    """Resident peak of the largest single process; 0 if it had to be killed by force."""
    cpu_seconds: float
    """User and system time of all processes together; 0 if it had to be killed by force."""

    def measured(self) -> dict[str, float]:
        """The cost under the names that `run.json` has for it."""
        return {"cpu_seconds": self.cpu_seconds, "peak_memory_bytes": self.peak_memory_bytes}


class GuardedChild:
    """A running program; leaving the context ends it and all that it started."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        output: int,
        errors: int,
        environment: Mapping[str, str] | None = None,
        terminate_seconds: float = 30.0,
        held_signals: Sequence[int] = (),
        inherited: Sequence[int] = (),
    ) -> None:
        """Start it; `output` and `errors` are file descriptors, or `subprocess.PIPE`.

        Args:
            held_signals: stay blocked until the program unblocks them.
            inherited: further descriptors that the program keeps open, by their numbers here; the
                locks that this thread holds are always among them.
        """
        self._terminate_seconds = terminate_seconds
        self._socket, theirs = socket.socketpair()
        held = ",".join(str(int(number)) for number in held_signals)
        try:
            # -I -S: the guard needs only the standard library, so it starts in some 15 ms.
            with without_notice():
                self._process = subprocess.Popen(
                    [
                        *(sys.executable, "-I", "-S", str(_GUARD)),
                        *(str(terminate_seconds), held),
                        *arguments,
                    ],
                    stdin=theirs.fileno(),
                    stdout=output,
                    stderr=errors,
                    env={**os.environ, **(environment or {})},
                    start_new_session=True,
                    pass_fds=(*inherited, *held_locks()),
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
        self.stop()
        if self._group is not None:
            self._group.remove(self)
        self._socket.close()
        if self._process.stdout is not None:
            self._process.stdout.close()

    @property
    def lines(self) -> IO[bytes]:
        """Its output as a stream, if that is a pipe."""
        assert self._process.stdout is not None
        return self._process.stdout

    def ended(self) -> bool:
        """Whether the program has ended by itself."""
        return self.status() is not None

    def status(self) -> int | None:
        """How it ended, as `ProcessResult.returncode`; None while it runs."""
        return self._process.poll()

    def ask_to_end(self) -> None:
        """Ask the program to end and do not wait for it; any thread may."""
        # The guard hears it: SIGTERM to the group, and SIGKILL where that is not heeded. (A closed
        # socket would say that we are dead, and leave less time.)
        with suppress(OSError):
            self._socket.send(b".", socket.MSG_DONTWAIT)

    def stop(self, seconds: float | None = None) -> None:
        """End the program if it runs, and what it left running, so that none of it writes on.

        After `seconds` it is killed, if that is sooner than what it was promised.
        """
        promised = self._terminate_seconds + _PATIENCE_SECONDS
        if not self.ended():
            self.ask_to_end()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(promised if seconds is None else min(seconds, promised))
        # The group's id is the guard's pid; it is gone when all members are.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def result(self) -> ProcessResult:
        """Wait for the program's end."""
        returncode = self._process.wait()
        # The guard has ended, so its report is there or never comes.
        self._socket.setblocking(False)
        report = b""
        with suppress(OSError):
            report = self._socket.recv(_REPORT_BYTES)
        peak_kibibytes, cpu_seconds = report.split() if report else (b"0", b"0")
        return ProcessResult(returncode, int(peak_kibibytes) * _KIBIBYTE, float(cpu_seconds))
