"""A worker process, seen from the driver: call functions in it, or kill it at any time.

worker = WorkerProcess.start(tool_environment(cache))
result = worker.call(function, args, kwargs)      # BrokenExecutor: it died during the call
worker.close()

Workers are our own code and run without a guard (`../guard.py`), which would cost a process each.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

from xlm.errors import ToolError
from xlm.processes.signals import END_SIGNALS, as_argument, without_notice

_PROGRAM = Path(__file__).with_name("worker.py")
_END_SECONDS = 5.0


class WorkerError(Exception):
    """The traceback in the worker, printed above that of the driver."""


class WorkerProcess:
    """A process with its own pipe to the driver."""

    def __init__(self, process: "subprocess.Popen[bytes]", connection: Connection) -> None:
        self._process = process
        self._connection = connection
        self._lost = False

    @classmethod
    def start(cls, variables: Mapping[str, str]) -> "WorkerProcess":
        """Start a worker. The kernel kills it when the calling thread ends.

        Raises:
            ToolError: the system cannot start another process.
        """
        ours, theirs = Pipe()
        try:
            with theirs, without_notice():
                process = subprocess.Popen(
                    # -P: import nothing from the current folder.
                    [
                        *(sys.executable, "-P", str(_PROGRAM)),
                        *(str(theirs.fileno()), as_argument(END_SIGNALS)),
                    ],
                    stdin=subprocess.DEVNULL,
                    env={**os.environ, **variables, "PYTHONSAFEPATH": "1"},
                    pass_fds=(theirs.fileno(),),
                )
        except OSError as error:
            ours.close()
            raise ToolError(
                f"a worker process cannot be started: {error.strerror or error}",
                fix="free some memory, or rerun with fewer --workers",
            ) from error
        worker = cls(process, ours)
        with suppress(OSError):
            ours.send_bytes(pickle.dumps((os.getpid(), sys.path)))
        return worker

    def alive(self) -> bool:
        """Whether it can be called; its pipe closes a moment before the kernel reports its end."""
        return not self._lost and self._process.poll() is None

    def call(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> Any:
        """Call `function` in the worker and return its result.

        Raises:
            BrokenExecutor: the process died.
            Exception: raised by the function, or because the call cannot be pickled.
        """
        return result_of(self.exchange(pickled_call(function, args, kwargs)))

    def exchange(self, call: bytes) -> bytes:
        """Send a pickled call and return the pickled answer.

        Raises:
            BrokenExecutor: the process died.
        """
        try:
            self._connection.send_bytes(call)
            return self._connection.recv_bytes()
        except (EOFError, OSError) as error:
            self._lost = True
            self.kill()
            raise BrokenExecutor("a worker process died") from error

    def kill(self) -> None:
        """Kill it at once; any thread may call this."""
        self._process.kill()

    def close(self) -> None:
        """Let it end and wait; kill it after some seconds."""
        self._connection.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def pickled_call(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> bytes:
    """A call as `worker.py` reads it.

    Raises:
        Exception: it cannot be pickled.
    """
    return pickle.dumps((function, args, dict(kwargs)))


def result_of(answer: bytes) -> Any:
    """The result in an answer of `worker.py`; raises the error of the function, if it failed."""
    succeeded, result, text = pickle.loads(answer)
    if succeeded:
        return result
    raise result from WorkerError(f"\n{text}")
