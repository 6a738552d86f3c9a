"""Estimates the current rate of a task and the time left, from its last progress reports.

rate = ProgressRate()
rate.report(time.monotonic(), done=1200)
rate.seconds_left(total=200_000)
"""

from collections import deque

_SAMPLES = 6
_SPACING_SECONDS = 1.0
"""Reports at shorter intervals are merged, because a rate over milliseconds is noise."""


class ProgressRate:
    """The rate over the last few reports.

    The start-up time before the first report does not count, nor does the work of an earlier
    attempt.
    """

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=_SAMPLES)

    def report(self, now: float, done: float) -> None:
        """Add a report.

        Args:
            now: time in seconds of a monotonic clock.
            done: amount of work done by then.
        """
        samples = self._samples
        if samples and done < samples[-1][1]:  # progress restarted: the next part of the work
            samples.clear()
        if samples and done == samples[-1][1]:
            return
        if len(samples) > 1 and samples[-1][0] - samples[-2][0] < _SPACING_SECONDS:
            samples.pop()
        samples.append((now, done))

    def rate(self) -> float | None:
        """Return the work done per second; None before the second report."""
        if len(self._samples) < 2:
            return None
        (began, first), (ended, last) = self._samples[0], self._samples[-1]
        return (last - first) / (ended - began) if ended > began else None

    def seconds_left(self, total: float | None) -> float | None:
        """Return the estimated time until `total` is reached; None if it is unknown."""
        rate = self.rate()
        if not total or not rate:
            return None
        return max(0.0, total - self._samples[-1][1]) / rate
