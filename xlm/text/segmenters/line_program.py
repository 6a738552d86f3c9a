"""A program that answers each line with a line, kept running as a segmenter.

    segment = LineProgram("KyTea", ["kytea", "-notags"])
    segment("コーパスの文です。")  # "コーパス の 文 で す 。"

What cannot go through such a program does not: its lines may end at other characters than ours, so
controls and Unicode's line ends are sent as spaces; lines without text are answered here. An answer
must have the letters and digits of its line: else question and answer have come apart.

The program ends with us, by whatever signal: its standard input closes then.
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

FIRST_SECONDS = 600.0
"""What the first answer may take: a model is read first."""
LATER_SECONDS = 120.0

_CHUNK_BYTES = 1 << 16
_SAID_BYTES = 2000
_END_SECONDS = 5.0
_LINE_ENDS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NO_WORD = re.compile(r"[\W_\U00010000-\U0010ffff]+")


class LineProgram:
    """A segmenter over a process, which starts with the first line; one line at a time."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        first_seconds: float = FIRST_SECONDS,
        later_seconds: float = LATER_SECONDS,
    ) -> None:
        self._name = name
        self._command = list(command)
        self._first_seconds, self._later_seconds = first_seconds, later_seconds
        self._lock = threading.Lock()
        self._process: _Process | None = None
        self._answered = 0

    def __call__(self, line: str) -> str:
        """The line in words.

        Raises:
            ToolError: the program does not start, ends, keeps silent, or answers something else.
        """
        question = _LINE_ENDS.sub(" ", line)
        if not question.strip():
            return line
        with self._lock:
            try:
                answer = self._ask(question)
            except ToolError:
                self._stop()
                raise
        return answer

    def _ask(self, question: str) -> str:
        seconds = self._later_seconds
        if self._process is None:
            self._process = _start(self._name, self._command)
            seconds = self._first_seconds
        try:
            answer = self._process.exchange(question.encode(), seconds).decode()
        except _Fault as fault:
            raise self._error(fault.what) from fault
        except UnicodeDecodeError as error:
            raise self._error("its answer is not UTF-8") from error
        if _NO_WORD.sub("", answer) != _NO_WORD.sub("", question):
            raise self._error(f"it answered {answer[:40]!r} to {question[:40]!r}")
        self._answered += 1
        return answer

    def _error(self, what: str) -> ToolError:
        assert self._process is not None
        said = self._process.last_words()
        return ToolError(
            f"{self._name}, line {self._answered + 1}: {what}{': ' if said else ''}{said}",
            fix=f"try it by hand: {' '.join(self._command)}",
        )

    def _stop(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None


class _Fault(Exception):  # noqa: N818
    """What went wrong between the program and us."""

    def __init__(self, what: str) -> None:
        self.what = what


def _start(name: str, command: Sequence[str]) -> "_Process":
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            # Ctrl-C is for us: the program ends when its input does.
            start_new_session=True,
        )
    except OSError as error:
        raise ToolError(
            f"{name} cannot start: {command[0]}: {error.strerror}", fix="check that it runs"
        ) from error
    return _Process(process)


class _Process:
    """The running program: bytes of a line in, bytes of a line out."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._input, self._output = process.stdin.fileno(), process.stdout.fileno()
        os.set_blocking(self._input, False)
        self._rest = b""
        self._said = bytearray()
        self._listener = threading.Thread(target=_listen, args=(process, self._said), daemon=True)
        self._listener.start()
        self.end = weakref.finalize(self, _end, process)

    def exchange(self, question: bytes, seconds: float) -> bytes:
        """Send a line and wait for its answer; reads while it writes, so no pipe can fill up."""
        if self._rest or self._readable():
            raise _Fault("it answered more lines than it got")
        waiting = memoryview(question + b"\n")
        answer: list[bytes] = []
        deadline = time.monotonic() + seconds
        while not answer or b"\n" not in answer[-1]:
            poll = select.poll()
            poll.register(self._output, select.POLLIN)
            if waiting:
                poll.register(self._input, select.POLLOUT)
            ready = dict(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))
            if not ready:
                raise _Fault(f"no answer within {seconds:g} s")
            if self._input in ready:
                waiting = waiting[self._write(waiting) :]
            if self._output in ready:
                answer.append(self._read())
        line, _, self._rest = b"".join(answer).partition(b"\n")
        return line.removesuffix(b"\r")

    def last_words(self) -> str:
        """The end of what the program said on its standard error, as one line."""
        if self._process.poll() is not None:
            self._listener.join(1.0)
        text = bytes(self._said).decode(errors="replace")
        return " | ".join(part.strip() for part in text.split("\n") if part.strip())[-400:]

    def _readable(self) -> bool:
        poll = select.poll()
        poll.register(self._output, select.POLLIN)
        return any(event & select.POLLIN for _, event in poll.poll(0))

    def _write(self, data: memoryview) -> int:
        try:
            return os.write(self._input, data[:_CHUNK_BYTES])
        except BrokenPipeError:
            raise self._ended() from None

    def _read(self) -> bytes:
        chunk = os.read(self._output, _CHUNK_BYTES)
        if not chunk:
            raise self._ended()
        return chunk

    def _ended(self) -> _Fault:
        try:
            status = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            return _Fault("it closed its output")
        return _Fault(f"it ended with status {status}")


def _listen(process: "subprocess.Popen[bytes]", said: bytearray) -> None:
    assert process.stderr is not None
    with process.stderr as errors:
        while chunk := errors.read(_CHUNK_BYTES):
            said += chunk
            del said[:-_SAID_BYTES]


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Close its input, which ends it; force it where it does not heed that."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    process.stdout.close()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
