"""Test that work grows linearly. A ratio holds on any machine; a number of seconds does not."""

import time
from collections.abc import Callable

_MIN_SECONDS = 0.005  # below this, the clock and the caches dominate


def assert_linear(work: Callable[[int], object], size: int) -> None:
    """Compare `work(size // 8)` with `work(size)`.

    Linear work takes about 8 times the CPU time, quadratic work 64 times. Only this thread counts:
    others may still end an earlier test. There are three attempts, because another program on the
    same core can slow down either run.
    """
    attempts = []
    for _ in range(3):
        small, large = (_cpu_seconds(work, part) for part in (size // 8, size))
        if large < 24 * max(small, _MIN_SECONDS):
            return
        attempts.append((round(small, 3), round(large, 3)))
    raise AssertionError(f"CPU seconds for {size // 8} and for {size}: {attempts}")


def _cpu_seconds(work: Callable[[int], object], size: int) -> float:
    start = time.thread_time()
    work(size)
    return time.thread_time() - start
