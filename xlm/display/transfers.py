"""All transfers of a run as one: the bytes that arrived and are expected, the rate, the time left.

transfers = Transfers()
transfers.expect({"download[ntrex.en]": 1_000_000})
transfers.start("download[ntrex.en]")
transfers.update("download[ntrex.en]", 65_536, 998_123, "bytes", time.monotonic())
transfers.facts()    # ("66 kB of 998 kB", "", "", "0 of 1 files")
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from xlm.display.markdown import format_duration, format_size
from xlm.display.progress_rate import ProgressRate


@dataclass
class _Transfer:
    expected: int | None = None
    total: int | None = None
    done: int = 0
    counted: int | None = None
    """Bytes that were there at the last report; None before the first one."""
    is_running: bool = False
    is_finished: bool = False
    is_waiting: bool = False

    @property
    def size_bytes(self) -> int | None:
        if self.is_finished:
            return self.done
        return self.expected if self.total is None else self.total


class Transfers:
    """The transfers of a run by their names. Its methods may be called from many threads."""

    def __init__(self) -> None:
        self._transfers: dict[str, _Transfer] = {}
        self._arrived = 0
        self._rate = ProgressRate()
        self._lock = threading.Lock()

    def expect(self, sizes: Mapping[str, int]) -> None:
        """Count these transfers before they start, with their sizes in bytes."""
        with self._lock:
            for name, size in sizes.items():
                self._transfers.setdefault(name, _Transfer()).expected = size

    def start(self, name: str) -> None:
        """Count a transfer as running."""
        with self._lock:
            self._transfers[name] = _Transfer(self._of(name).expected, is_running=True)

    def update(self, name: str, done: float, total: float | None, unit: str, now: float) -> None:
        """Take a report of a stage; one in another unit than bytes shows that it waits.

        Args:
            now: time in seconds of a monotonic clock.
        """
        with self._lock:
            one = self._of(name)
            one.is_waiting = unit == ""
            if unit != "bytes":
                return
            # What an earlier run transferred does not count for the rate.
            if one.counted is not None and done > one.counted:
                self._arrived += int(done) - one.counted
            one.done = one.counted = int(done)
            one.total = one.total if total is None else int(total)
            self._rate.report(now, self._arrived)

    def finish(self, name: str) -> None:
        """Count a transfer as finished: what it expected beyond its bytes does not come.

        One that was neither expected nor started, as its file was there, does not count.
        """
        with self._lock:
            if (one := self._transfers.get(name)) is None:
                return
            one.is_running, one.is_finished, one.is_waiting = False, True, False

    @property
    def are_running(self) -> bool:
        """Whether any transfer runs."""
        with self._lock:
            return any(one.is_running for one in self._transfers.values())

    def amounts(self) -> tuple[int, int | None]:
        """Bytes that arrived, and all bytes; None if a size is not known."""
        with self._lock:
            return self._amounts()

    def facts(self) -> tuple[str, str, str, str]:
        """Amount, rate, time left and number of files as texts; empty if not known."""
        with self._lock:
            done, total = self._amounts()
            ones = self._transfers.values()
            amount = format_size(done)
            if total is not None:
                about = "about " if any(one.total is None for one in ones if one.expected) else ""
                amount += f" of {about}{format_size(total)}"
            rate = self._rate.rate()
            left = self._rate.seconds_left(
                None if total is None else self._arrived + max(0, total - done)
            )
            files = f"{sum(one.is_finished for one in ones)} of {len(ones)} files"
            if waiting := sum(one.is_waiting for one in ones):
                files += f", {waiting} waiting for a connection"
            return (
                amount,
                f"{format_size(round(rate))}/s" if rate is not None else "",
                f"{format_duration(left)} left" if left is not None else "",
                files,
            )

    def _of(self, name: str) -> _Transfer:
        return self._transfers.setdefault(name, _Transfer())

    def _amounts(self) -> tuple[int, int | None]:
        sizes = [one.size_bytes for one in self._transfers.values()]
        done = sum(one.done for one in self._transfers.values())
        known = [size for size in sizes if size is not None]
        return done, sum(known) if len(known) == len(sizes) and known else None
