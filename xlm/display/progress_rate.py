"""How fast something advances now, and how long it still takes, from its last few reports.

pace = Pace()
pace.report(time.monotonic(), done=1200)
pace.seconds_left(total=200_000)
"""

from collections import deque

_SAMPLES = 6
_SPACING_SECONDS = 1.0
"""Reports that follow each other faster count as one: a rate over milliseconds is noise."""


class ProgressRate:
    """The rate over the last few reports.

    Where the first report starts does not matter: not the time before it, nor what an earlier
    attempt had done by then.
    """

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=_SAMPLES)

    def report(self, now: float, done: float) -> None:
        """Take in that `done` had been reached by `now`, in seconds of one clock."""
        samples = self._samples
        if samples and done < samples[-1][1]:  # it began again: the next part of the same work
            samples.clear()
        if samples and done == samples[-1][1]:
            return
        if len(samples) > 1 and samples[-1][0] - samples[-2][0] < _SPACING_SECONDS:
            samples.pop()
        samples.append((now, done))

    def rate(self) -> float | None:
        """What is done in a second; None before there were two reports."""
        if len(self._samples) < 2:
            return None
        (began, first), (ended, last) = self._samples[0], self._samples[-1]
        return (last - first) / (ended - began) if ended > began else None

    def seconds_left(self, total: float | None) -> float | None:
        """The time until `total` is reached, where that can be said."""
        rate = self.rate()
        if not total or not rate:
            return None
        return max(0.0, total - self._samples[-1][1]) / rate
