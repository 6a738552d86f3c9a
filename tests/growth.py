"""Linear or quadratic: a test of growth holds on any machine, a test of seconds does not."""

import time
from collections.abc import Callable

_SMALLEST_SECONDS = 0.005  # below it, the clock and the caches say more than the work


def assert_linear(context: Callable[[int], object], size: int) -> None:
    """Eight times the size takes about eight times the CPU time; quadratic work takes 64 times.

    Tried up to three times, because another program on the same core makes either part slower.
    """
    pairs = []
    for _ in range(3):
        small, large = (_cpu_seconds(context, part) for part in (size // 8, size))
        if large < 24 * max(small, _SMALLEST_SECONDS):
            return
        pairs.append((round(small, 3), round(large, 3)))
    raise AssertionError(f"CPU seconds of {size // 8} and of {size}: {pairs}")


def _cpu_seconds(context: Callable[[int], object], size: int) -> float:
    began = time.process_time()
    context(size)
    return time.process_time() - began
