"""Run a program that answers each line with a line, and use it as a segmenter.

    segment = LineProgram("KyTea", ["kytea", "-notags"])
    segment("コーパスの文です。")  # "コーパス の 文 で す 。"

Programs disagree about line ends. Control characters and Unicode line separators are therefore sent
as spaces, and lines without text never reach the program. An answer must contain the letters and
digits of its line; otherwise lines and answers are out of step.

The program ends with this process, even after SIGKILL: its standard input closes, and its guard
ends it.
"""

import os
import re
import select
import subprocess
import threading
import time
import weakref
from collections.abc import Sequence

from xlm.errors import ToolError
from xlm.processes.child import CANNOT_START, GuardedChild

FIRST_ANSWER_SECONDS = 600.0
"""Time limit of the first answer, which includes loading the model."""
ANSWER_SECONDS = 120.0

_CHUNK_BYTES = 1 << 16
_STDERR_TAIL_BYTES = 2000
_EXIT_SECONDS = 5.0
_LINE_ENDS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NOT_A_WORD = re.compile(r"[\W_\U00010000-\U0010ffff]+")


class LineProgram:
    """A segmenter that pipes lines through a process, one at a time.

    The process starts with the first line, and again after a failure. Threads may share it.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        first_seconds: float = FIRST_ANSWER_SECONDS,
        later_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._name = name
        self._command = list(command)
        self._first_seconds, self._later_seconds = first_seconds, later_seconds
        self._lock = threading.Lock()
        self._process: _Process | None = None
        self._answered = 0

    def __call__(self, line: str) -> str:
        """Segment a line.

        Raises:
            ToolError: the program cannot start, exits, does not answer in time, or answers
                something else.
        """
        text = _LINE_ENDS.sub(" ", line)
        if not text.strip():
            return line
        with self._lock:
            try:
                answer = self._send(text)
            except ToolError:
                self._stop()
                raise
        return answer

    def _send(self, text: str) -> str:
        seconds = self._later_seconds
        if self._process is None:
            self._process = _Process(self._command)
            seconds = self._first_seconds
        try:
            answer = self._process.exchange(text.encode(), seconds).decode()
        except _ExchangeError as error:
            raise self._error(error.what) from error
        except UnicodeDecodeError as error:
            raise self._error("the answer is not UTF-8") from error
        if _NOT_A_WORD.sub("", answer) != _NOT_A_WORD.sub("", text):
            raise self._error(f"the program answered {answer[:40]!r} to {text[:40]!r}")
        self._answered += 1
        return answer

    def _error(self, what: str) -> ToolError:
        assert self._process is not None
        printed = self._process.stderr_tail()
        return ToolError(
            f"{self._name}, line {self._answered + 1}: {what}{': ' if printed else ''}{printed}",
            fix=f"run the program by hand to see why: {' '.join(self._command)}",
        )

    def _stop(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None


class _ExchangeError(Exception):
    """The program did not answer a line as the protocol requires."""

    def __init__(self, what: str) -> None:
        self.what = what


class _Process:
    """The running program: the bytes of a line in, the bytes of a line out."""

    def __init__(self, command: Sequence[str]) -> None:
        source, self._input = os.pipe()
        try:
            # No locks: the program outlives the build of the artifact that starts it.
            child = GuardedChild(
                command,
                source=source,
                output=subprocess.PIPE,
                errors=subprocess.PIPE,
                keep_locks=False,
            )
        except BaseException:
            os.close(self._input)
            raise
        finally:
            os.close(source)
        self._child, self._output = child, child.output.fileno()
        os.set_blocking(self._input, False)
        self._rest = b""
        self._stderr = bytearray()
        self._reader = threading.Thread(
            target=_read_stderr, args=(child, self._stderr), daemon=True
        )
        self._reader.start()
        self.close = weakref.finalize(self, _close, child, self._input, self._reader)

    def exchange(self, line: bytes, seconds: float) -> bytes:
        """Send a line and return its answer.

        Reads while it writes, so that neither pipe can fill up and block both processes.
        """
        if self._rest or self._readable():
            raise _ExchangeError("the program wrote more lines than it received")
        unsent = memoryview(line + b"\n")
        received: list[bytes] = []
        deadline = time.monotonic() + seconds
        while not received or b"\n" not in received[-1]:
            poll = select.poll()
            poll.register(self._output, select.POLLIN)
            if unsent:
                poll.register(self._input, select.POLLOUT)
            ready = dict(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))
            if not ready:
                raise _ExchangeError(f"no answer within {seconds:g} s")
            if self._input in ready:
                unsent = unsent[self._write(unsent) :]
            if self._output in ready:
                received.append(self._read())
        answer, _, self._rest = b"".join(received).partition(b"\n")
        return answer.removesuffix(b"\r")

    def stderr_tail(self) -> str:
        """The last lines that the program printed on standard error, joined to one line."""
        if self._child.ended():
            self._reader.join(1.0)
        text = bytes(self._stderr).decode(errors="replace")
        return " | ".join(part.strip() for part in text.split("\n") if part.strip())[-400:]

    def _readable(self) -> bool:
        poll = select.poll()
        poll.register(self._output, select.POLLIN)
        return any(event & select.POLLIN for _, event in poll.poll(0))

    def _write(self, data: memoryview) -> int:
        try:
            return os.write(self._input, data[:_CHUNK_BYTES])
        except BrokenPipeError:
            raise self._exited() from None

    def _read(self) -> bytes:
        chunk = os.read(self._output, _CHUNK_BYTES)
        if not chunk:
            raise self._exited()
        return chunk

    def _exited(self) -> _ExchangeError:
        status = self._child.wait(_EXIT_SECONDS)
        if status is None:
            return _ExchangeError("the program closed its output")
        if status == CANNOT_START:
            return _ExchangeError("the program cannot start")
        return _ExchangeError(f"the program exited with status {status}")


def _read_stderr(child: GuardedChild, tail: bytearray) -> None:
    while chunk := os.read(child.errors.fileno(), _CHUNK_BYTES):
        tail += chunk
        del tail[:-_STDERR_TAIL_BYTES]


def _close(child: GuardedChild, source: int, reader: threading.Thread) -> None:
    """Close the input, which ends the program; stop it if it does not exit in time."""
    os.close(source)
    child.wait(_EXIT_SECONDS)
    child.stop(seconds=0)
    reader.join(_EXIT_SECONDS)
    if not reader.is_alive():  # else a process that left the group holds the pipe
        child.close()
