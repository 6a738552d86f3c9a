"""How fast a run goes, as JSON lines in the logs, for people and for the progress display.

    speed = ThroughputMeter(logs / SPEED_FILE, update=0, total=200_000, every=25, device=device)
    with speed.waiting():
        batch = source.next_batch()
    speed.count(1, batch.real_tokens, flops=training_flops(description, shape))

A line holds step, total, seconds (since the line before), tokens_per_second, steps_per_second,
seconds_left; waiting_share, the part of the time spent in `waiting`, where that is used; loss of
the newest update, where it is given; on a GPU gpu_memory_bytes (most allocated at once since the
start); and where the device's peak is known mfu, the share of it that was used.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from xlm.model.flops import Arithmetic, peak_flops
from xlm.training.monitoring.metrics import JsonLines

_NEWEST_WEIGHT = 0.2
"""Of the newest line in the smoothed time of an update: some five lines count."""
_MOST_SECONDS = 45.0
"""Between two lines, whatever the number of updates."""


@dataclass(frozen=True)
class Machine:
    """The devices of a run, as far as its speed lines speak of them."""

    device: torch.device
    peak_flops: float | None = None
    """Of all processes' devices together; None: not known, no utilisation is said."""

    @classmethod
    def of(cls, device: torch.device, arithmetic: Arithmetic, world_size: int) -> "Machine":
        """The machine of `world_size` processes with a device like ours."""
        if device.type != "cuda":
            return cls(device)
        peak = peak_flops(torch.cuda.get_device_name(device), arithmetic)
        return cls(device, None if peak is None else peak * world_size)

    def memory_bytes(self) -> int | None:
        """Most device memory that was allocated at once in this process; None: no GPU."""
        if self.device.type != "cuda":
            return None
        return torch.cuda.max_memory_allocated(self.device)


_CPU = Machine(torch.device("cpu"))


class SecondsLeft:
    """The time that is left, from an exponential mean of the seconds of an update."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._mean: float | None = None

    def after(self, update: int, *, updates: int, seconds: float) -> float:
        """Take in the newest `updates`, which took `seconds`; returns the seconds to the end."""
        newest = seconds / max(updates, 1)
        if self._mean is None:
            self._mean = newest
        else:
            self._mean += _NEWEST_WEIGHT * (newest - self._mean)
        return (self._total - update) * self._mean


class ThroughputMeter:
    """Updates, and tokens or rows, per second, now and then."""

    def __init__(
        self,
        path: Path,
        *,
        update: int,
        total: int,
        every: int,
        note: str = "",
        unit: str = "tokens",
        machine: Machine = _CPU,
    ) -> None:
        self._lines = JsonLines(path)
        self._total, self._every, self._note, self._unit = total, every, note, unit
        self._machine = machine
        self._left = SecondsLeft(total)
        self._measures_waiting = False
        self._begin(update, time.monotonic())

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """What happens inside is waiting for data."""
        self._measures_waiting = True
        began = time.monotonic()
        yield
        self._waited += time.monotonic() - began

    def count(
        self, update: int, amount: int, *, flops: int = 0, loss: float | None = None
    ) -> dict[str, Any] | None:
        """Count one update and what it held; now and then write a line and return it.

        At least once a minute, as far as an update takes less.
        """
        self._amount += amount
        self._flops += flops
        now = time.monotonic()
        due = update % self._every == 0 or now - self._since >= _MOST_SECONDS
        if not due and update != self._total:
            return None
        line = self._line(update, max(now - self._since, 1e-9))
        if loss is not None:
            line["loss"] = round(loss, 4)
        self._lines.append(line)
        self._begin(update, now)
        return line

    def _line(self, update: int, seconds: float) -> dict[str, Any]:
        updates = update - self._update
        line = {
            "step": update,
            "total": self._total,
            "seconds": round(seconds, 3),
            f"{self._unit}_per_second": round(self._amount / seconds),
            "steps_per_second": round(updates / seconds, 2),
            "seconds_left": round(self._left.after(update, updates=updates, seconds=seconds), 1),
        }
        if self._measures_waiting:
            line["waiting_share"] = round(self._waited / seconds, 4)
        memory, peak = self._machine.memory_bytes(), self._machine.peak_flops
        if memory is not None:
            line["gpu_memory_bytes"] = memory
        if peak is not None and self._flops:
            line["mfu"] = round(self._flops / seconds / peak, 4)
        return line | {"note": self._note}

    def _begin(self, update: int, now: float) -> None:
        self._update, self._since = update, now
        self._amount, self._flops, self._waited = 0, 0, 0.0
