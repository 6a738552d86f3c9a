"""Standard input to standard output, line by line: one line out for each line in, in order.

    run_filter(Tokenize("sw", None, cased=False), jobs=1)

Only "\\n" ends a line. Lines are answered as soon as enough of them are there or the input pauses,
so the command works between others in a pipe and its memory does not grow with the text. What was
answered before a fault is written before the fault is told. A last line without a newline is a line
like any other, and its answer ends with one.
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

from xlm.cli.text.filter_oddities import INPUT, Oddities
from xlm.errors import DataError, ToolError, XlmError

Answer = Callable[[Sequence[str], int], Iterable[str]]
"""Lines and the number of the first of them to their answers."""

_STDIN, _STDOUT = 0, 1
_BATCH_BYTES = 1 << 18
_PENDING_PER_JOB = 4


class Recipe(Protocol):
    """How a filter is made; it crosses processes and is hashable, what it makes is not."""

    def build(self) -> Answer:
        """Read what the filter needs and make it."""
        ...

    def __hash__(self) -> int: ...


Answered = tuple[bytes, XlmError | None]


class Watch(Protocol):
    """Looks at what is answered, in order."""

    def look(self, answer: bytes) -> None:
        """The next lines that are written."""
        ...

    def warnings(self) -> list[str]:
        """What to print after the last line."""
        ...


def run_filter(recipe: Recipe, jobs: int, watch: Watch | None = None) -> None:
    """Answer every line of standard input on standard output, in `jobs` processes.

    A reader that goes away ends us by SIGPIPE, as `cat` would be; Ctrl-C by SIGINT.

    Raises:
        XlmError: a line that cannot be answered, or a recipe that cannot be made.
    """
    with ending_by_signal(), closing(_answers(recipe, jobs)) as answers:
        for answer, fault in answers:
            write_output(answer)
            if watch is not None:
                watch.look(answer)
            if fault is not None:
                raise fault
        for warning in watch.warnings() if watch is not None else ():
            sys.stderr.write(f"xlm: warning: {warning}\n")


@contextmanager
def ending_by_signal() -> Iterator[None]:
    """End as a program does that has no handler: the shell sees 128 and the signal's number.

    Registered before multiprocessing is imported, so it comes after all that cleans up at exit.
    """
    told: list[signal.Signals] = []
    atexit.register(_end_by, told)
    try:
        yield
    except BrokenPipeError:
        told.append(signal.SIGPIPE)
        raise SystemExit(128 + signal.SIGPIPE) from None
    except KeyboardInterrupt:
        told.append(signal.SIGINT)
        raise SystemExit(128 + signal.SIGINT) from None


def write_output(data: bytes) -> None:
    """Write all of it to standard output.

    Raises:
        BrokenPipeError: nobody reads it any more.
        ToolError: it cannot be written.
    """
    waiting = memoryview(data)
    while waiting:
        try:
            waiting = waiting[os.write(_STDOUT, waiting) :]
        except BlockingIOError:
            _wait(_STDOUT, select.POLLOUT)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise ToolError(
                f"standard output cannot be written: {error.strerror}", fix="write it elsewhere"
            ) from error


def read_batches() -> Iterator[tuple[bytes, bool]]:
    """Whole lines of standard input, some hundred kilobytes at most, and whether it then pauses.

    After the last of them, what is odd about the text is one warning on standard error.

    Raises:
        DataError: it cannot be read, or is UTF-16 or UTF-32.
    """
    oddities = Oddities()
    for batch, paused in _batches():
        oddities.look(batch)
        yield batch, paused
    for warning in oddities.warnings():
        sys.stderr.write(f"xlm: warning: {INPUT}: {warning}\n")


def _batches() -> Iterator[tuple[bytes, bool]]:
    parts: list[bytes] = []
    whole = size_bytes = 0
    while data := _read():
        parts.append(data)
        size_bytes += len(data)
        whole += b"\n" in data
        paused = not _readable()
        if whole and (paused or size_bytes >= _BATCH_BYTES):
            lines, _, rest = b"".join(parts).rpartition(b"\n")
            yield lines + b"\n", paused
            parts, whole, size_bytes = [rest], 0, len(rest)
    rest = b"".join(parts)
    if rest:
        yield rest if rest.endswith(b"\n") else rest + b"\n", True


def decode_lines(batch: bytes, first: int) -> tuple[list[str], DataError | None]:
    """The lines of a batch as text, up to the first that is not UTF-8."""
    try:
        return batch.decode().split("\n")[:-1], None
    except UnicodeDecodeError:
        pass
    lines: list[str] = []
    for number, line in enumerate(batch.split(b"\n")[:-1], start=first):
        try:
            lines.append(line.decode())
        except UnicodeDecodeError as error:
            fault = DataError(
                f"{INPUT}, line {number}: not UTF-8 ({error.reason} at byte {error.start})",
                fix="convert it to UTF-8",
            )
            return lines, fault
    raise AssertionError("a batch is not UTF-8, but each of its lines is")


def _answers(recipe: Recipe, jobs: int) -> Generator[Answered, None, None]:
    if jobs > 1:
        yield from _in_processes(recipe, jobs)
        return
    _answer_of(recipe)  # what is missing is told before a line is waited for
    first = 1
    for batch, _ in read_batches():
        yield _answer(recipe, batch, first)
        first += batch.count(b"\n")


def _in_processes(recipe: Recipe, jobs: int) -> Iterator[Answered]:
    """Batches go to processes; their answers come back in order, at the latest at a pause."""
    from xlm.processes.pool.executor import worker_pool

    # Segmenters write nothing; a folder that cannot be made holds them to it.
    with worker_pool(jobs, Path(os.devnull)) as pool:
        pending: deque[Future[Answered]] = deque([pool.submit(_answer, recipe, b"", 1)])
        first = 1
        for batch, paused in read_batches():
            pending.append(pool.submit(_answer, recipe, batch, first))
            first += batch.count(b"\n")
            while pending and (paused or len(pending) > jobs * _PENDING_PER_JOB):
                yield _result(pending.popleft())
        while pending:
            yield _result(pending.popleft())


def _result(future: "Future[Answered]") -> Answered:
    try:
        return future.result()
    except BrokenExecutor as error:
        raise ToolError(
            "a process of this filter was killed", fix="give it more memory, or fewer --jobs"
        ) from error


def _answer(recipe: Recipe, batch: bytes, first: int) -> Answered:
    answer = _answer_of(recipe)
    lines, fault = decode_lines(batch, first)
    found: list[str] = []
    try:
        found.extend(answer(lines, first))
    except Partly as partly:
        return _joined(partly.answers), partly.fault
    return _joined(found), fault


def _joined(answers: Sequence[str]) -> bytes:
    return "".join([line + "\n" for line in answers]).encode()


class Partly(Exception):  # noqa: N818 - carries answers
    """The answers before a fault, and the fault."""

    def __init__(self, answers: Sequence[str], fault: XlmError) -> None:
        self.answers, self.fault = answers, fault


def each(answer: Callable[[str, int], str]) -> Answer:
    """An answer for many lines from one for a line and its number; a fault keeps those before."""

    def answer_all(lines: Sequence[str], first: int) -> list[str]:
        found: list[str] = []
        try:
            for number, line in enumerate(lines, start=first):
                found.append(answer(line, number))
        except XlmError as fault:
            raise Partly(found, fault) from fault
        return found

    return answer_all


@cache
def _answer_of(recipe: Recipe) -> Answer:
    return recipe.build()


def _read() -> bytes:
    while True:
        try:
            return os.read(_STDIN, _BATCH_BYTES)
        except BlockingIOError:
            _wait(_STDIN, select.POLLIN)
        except OSError as error:
            raise DataError(
                f"{INPUT} cannot be read: {error.strerror}", fix="give it a text: ... < FILE"
            ) from error


def _readable() -> bool:
    poll = select.poll()
    poll.register(_STDIN, select.POLLIN)
    return bool(poll.poll(0))


def _wait(descriptor: int, event: int) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    poll.poll()


def _end_by(told: list[signal.Signals]) -> None:
    for number in told:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
