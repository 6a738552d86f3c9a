"""Several children are waited for together, and ended together."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from xlm.processes.child import GuardedChild, ProcessResult
from xlm.processes.supervise import end_all, failed, total, wait_for

SLEEP = "import time; time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1); {SLEEP}"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def _start(stack: ExitStack, code: str) -> GuardedChild:
    child = GuardedChild(
        [sys.executable, "-u", "-c", code],
        output=subprocess.PIPE,
        errors=subprocess.DEVNULL,
        terminate_seconds=60,
    )
    return stack.enter_context(child)


def test_all_are_waited_for(stack: ExitStack) -> None:
    calls: list[int] = []
    children = [_start(stack, "pass"), _start(stack, "import time; time.sleep(0.2)")]
    assert wait_for(children, on_wait=lambda: calls.append(1))
    assert [child.status() for child in children] == [0, 0]
    assert calls
    assert failed(children) == {}


def test_the_wait_ends_with_the_first_failure(stack: ExitStack) -> None:
    children = [_start(stack, SLEEP), _start(stack, "raise SystemExit(3)")]
    assert wait_for(children)
    assert failed(children) == {1: 3}
    assert not children[0].ended()


def test_the_wait_ends_when_the_time_is_up(stack: ExitStack) -> None:
    assert not wait_for([_start(stack, SLEEP)], timeout_seconds=0.05)


@pytest.mark.slow
def test_all_are_ended_together_and_the_stubborn_are_named(stack: ExitStack) -> None:
    children = [_start(stack, SLEEP), _start(stack, STUBBORN), _start(stack, "pass")]
    assert children[1].output.readline() == b"1\n"
    assert end_all(children, seconds=0.5)[-1:] == [1]
    assert all(child.ended() for child in children)


def test_times_are_added_up_and_the_largest_peak_counts() -> None:
    both = total([ProcessResult(0, 5, 1.5), ProcessResult(0, 7, 0.5)])
    assert both == ProcessResult(0, 7, 2.0)


def test_a_program_reads_from_the_pipe_that_it_is_given(stack: ExitStack) -> None:
    code = "import sys; print(sys.stdin.read().upper(), end='')"
    with subprocess.Popen(["echo", "hello"], stdout=subprocess.PIPE) as echo:
        assert echo.stdout is not None
        child = GuardedChild(
            [sys.executable, "-c", code],
            source=echo.stdout.fileno(),
            output=subprocess.PIPE,
            errors=subprocess.DEVNULL,
        )
        assert stack.enter_context(child).output.read() == b"HELLO\n"


def test_a_program_that_closes_its_output_is_seen_to_do_so(stack: ExitStack) -> None:
    """The guard must not hold the pipe: a reader would wait for the end of the program."""
    child = _start(stack, f"import os; os.close(1); {SLEEP}")
    assert child.output.read() == b""
    assert not child.ended()
