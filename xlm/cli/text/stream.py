"""Standard input to standard output, line by line: one line out for each line in, in order.

    run_filter(Tokenize(text_language("sw", None, None)), jobs=1)

Only "\\n" ends a line. Output is written as soon as a batch is complete or the input pauses, so the
command works in the middle of a pipe, and its memory does not grow with the text. Lines before an
error are written before the error is reported. The output always ends in a newline, even if the
last line of the input has none.
"""

import atexit
import os
import select
import signal
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Protocol

from xlm.cli.text.input_warnings import INPUT, InputWarnings
from xlm.errors import DataError, ToolError, XlmError

LineFunction = Callable[[Sequence[str], int], Iterable[str]]
"""Turns lines, and the number of the first of them, into as many lines."""

_STDIN, _STDOUT = 0, 1
_BATCH_BYTES = 1 << 18
_PENDING_PER_JOB = 4


class Filter(Protocol):
    """What a filter does. It is hashable and can be pickled; what it builds need not be."""

    def build(self) -> LineFunction:
        """Read the files of the filter and make its function."""
        ...

    def __hash__(self) -> int: ...


Output = tuple[bytes, XlmError | None]
"""The output of a batch, and the error after its last line."""


class OutputCheck(Protocol):
    """Sees all of the output, in order."""

    def add(self, output: bytes) -> None:
        """Take the next lines that were written."""
        ...

    def warnings(self) -> list[str]:
        """What to print after the last line."""
        ...


def run_filter(line_filter: Filter, jobs: int, check: OutputCheck | None = None) -> None:
    """Write a line for every line of standard input, in `jobs` processes.

    Ends by SIGPIPE, as `cat` does, if the reader goes away, and by SIGINT after Ctrl-C.

    Raises:
        XlmError: a line is not valid, or the filter cannot be built.
    """
    with exit_by_signal(), closing(_outputs(line_filter, jobs)) as outputs:
        for output, error in outputs:
            write_output(output)
            if check is not None:
                check.add(output)
            if error is not None:
                raise error
        for warning in check.warnings() if check is not None else ():
            sys.stderr.write(f"xlm: warning: {warning}\n")


@contextmanager
def exit_by_signal() -> Iterator[None]:
    """End by SIGPIPE or SIGINT as programs without a handler do: the shell sees 128 + number.

    Register this before multiprocessing is imported, so that it runs after all other exit handlers.
    """
    received: list[signal.Signals] = []
    atexit.register(_end_by, received)
    try:
        yield
    except BrokenPipeError:
        received.append(signal.SIGPIPE)
        raise SystemExit(128 + signal.SIGPIPE) from None
    except KeyboardInterrupt:
        received.append(signal.SIGINT)
        raise SystemExit(128 + signal.SIGINT) from None


def write_output(data: bytes) -> None:
    """Write all data to standard output.

    Raises:
        BrokenPipeError: the reader has closed it.
        ToolError: it cannot be written.
    """
    unsent = memoryview(data)
    while unsent:
        try:
            unsent = unsent[os.write(_STDOUT, unsent) :]
        except BlockingIOError:
            _wait(_STDOUT, select.POLLOUT)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise ToolError(
                f"standard output cannot be written: {error.strerror}",
                fix="write it elsewhere",
            ) from error


def read_batches() -> Iterator[tuple[bytes, bool]]:
    """Complete lines of standard input, at most some 100 KB, and whether the input then pauses.

    Prints warnings about the text on standard error after the last batch.

    Raises:
        DataError: standard input cannot be read, or is UTF-16 or UTF-32.
    """
    checks = InputWarnings()
    for batch, paused in _batches():
        checks.add(batch)
        yield batch, paused
    for warning in checks.warnings():
        sys.stderr.write(f"xlm: warning: {INPUT}: {warning}\n")


def _batches() -> Iterator[tuple[bytes, bool]]:
    parts: list[bytes] = []
    newlines = size_bytes = 0
    while data := _read():
        parts.append(data)
        size_bytes += len(data)
        newlines += b"\n" in data
        paused = not _readable()
        if newlines and (paused or size_bytes >= _BATCH_BYTES):
            lines, _, rest = b"".join(parts).rpartition(b"\n")
            yield lines + b"\n", paused
            parts, newlines, size_bytes = [rest], 0, len(rest)
    rest = b"".join(parts)
    if rest:
        yield rest if rest.endswith(b"\n") else rest + b"\n", True


def decode_lines(
    batch: bytes, first: int, source: str = INPUT
) -> tuple[list[str], DataError | None]:
    """The lines of a batch as text, up to the first one that is not UTF-8, and the error there."""
    try:
        return batch.decode().split("\n")[:-1], None
    except UnicodeDecodeError:
        pass
    lines: list[str] = []
    for number, line in enumerate(batch.split(b"\n")[:-1], start=first):
        try:
            lines.append(line.decode())
        except UnicodeDecodeError as error:
            not_utf8 = DataError(
                f"{source}, line {number}: not UTF-8 ({error.reason} at byte {error.start})",
                fix="convert it to UTF-8",
            )
            return lines, not_utf8
    raise AssertionError("a batch is not UTF-8, but each of its lines is")


def _outputs(line_filter: Filter, jobs: int) -> Generator[Output, None, None]:
    if jobs > 1:
        yield from _in_processes(line_filter, jobs)
        return
    _line_function(line_filter)  # report a missing file before waiting for a line
    first = 1
    for batch, _ in read_batches():
        yield _run_batch(line_filter, batch, first)
        first += batch.count(b"\n")


def _in_processes(line_filter: Filter, jobs: int) -> Iterator[Output]:
    """Send batches to processes; their output comes back in order, at the latest at a pause."""
    from xlm.processes.pool.executor import worker_pool

    # Segmenters write nothing. A folder that cannot be created makes sure of it.
    with worker_pool(jobs, Path(os.devnull)) as pool:
        pending: deque[Future[Output]] = deque([pool.submit(_run_batch, line_filter, b"", 1)])
        first = 1
        for batch, paused in read_batches():
            pending.append(pool.submit(_run_batch, line_filter, batch, first))
            first += batch.count(b"\n")
            while pending and (paused or len(pending) > jobs * _PENDING_PER_JOB):
                yield _result(pending.popleft())
        while pending:
            yield _result(pending.popleft())


def _result(future: "Future[Output]") -> Output:
    try:
        return future.result()
    except BrokenExecutor as error:
        raise ToolError(
            "a process of this filter was killed", fix="free some memory, or use fewer --jobs"
        ) from error


def _run_batch(line_filter: Filter, batch: bytes, first: int) -> Output:
    function = _line_function(line_filter)
    lines, not_utf8 = decode_lines(batch, first)
    found: list[str] = []
    try:
        found.extend(function(lines, first))
    except PartialOutput as partial:
        return _joined(partial.lines), partial.error
    return _joined(found), not_utf8


def _joined(lines: Sequence[str]) -> bytes:
    return "".join([line + "\n" for line in lines]).encode()


class PartialOutput(Exception):  # noqa: N818 - carries output
    """The lines before an error, and the error."""

    def __init__(self, lines: Sequence[str], error: XlmError) -> None:
        self.lines, self.error = lines, error


def line_by_line(function: Callable[[str, int], str]) -> LineFunction:
    """A function of many lines from one of a line and its number.

    Raises `PartialOutput` if a line fails, so that the lines before it are not lost.
    """

    def all_lines(lines: Sequence[str], first: int) -> list[str]:
        found: list[str] = []
        try:
            for number, line in enumerate(lines, start=first):
                found.append(function(line, number))
        except XlmError as error:
            raise PartialOutput(found, error) from error
        return found

    return all_lines


@cache
def _line_function(line_filter: Filter) -> LineFunction:
    return line_filter.build()


def _read() -> bytes:
    while True:
        try:
            return os.read(_STDIN, _BATCH_BYTES)
        except BlockingIOError:
            _wait(_STDIN, select.POLLIN)
        except OSError as error:
            raise DataError(
                f"{INPUT} cannot be read: {error.strerror}", fix="pipe a text into it: ... < FILE"
            ) from error


def _readable() -> bool:
    poll = select.poll()
    poll.register(_STDIN, select.POLLIN)
    return bool(poll.poll(0))


def _wait(descriptor: int, event: int) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    poll.poll()


def _end_by(received: list[signal.Signals]) -> None:
    for number in received:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
