"""Measures the throughput of a run and writes it as JSON lines to `logs/speed.jsonl`.

    meter = ThroughputMeter(logs / SPEED_FILE, update=0, total=200_000, every=25, machine=machine)
    meter.add_waiting(seconds)
    meter.count(1, batch.real_tokens, flops=training_flops(description, shape))

A line holds step, total, seconds (since the line before), tokens_per_second, steps_per_second,
seconds_left and note; and if they are known
    waiting_share       the part of the time spent waiting for batches
    loss                of the newest update
    gpu_memory_bytes    the peak of allocated GPU memory since the start
    mfu                 model FLOPs utilization: the part of the peak of all devices
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from xlm.model.flops import Arithmetic, peak_flops
from xlm.training.records.json_lines import JsonLines

_NEWEST_WEIGHT: Final = 0.2
"""Weight of the newest line in the mean time of an update: about five lines count."""
_MAX_SECONDS: Final = 45.0
"""Between two lines, for any number of updates."""


@dataclass(frozen=True)
class Machine:
    """The devices of a run."""

    device: torch.device
    """Of this process."""
    peak_flops: float | None = None
    """FLOP/s of the devices of all processes together; None: not known."""

    @classmethod
    def of(cls, device: torch.device, arithmetic: Arithmetic, world_size: int) -> "Machine":
        """The machine of `world_size` processes that have equal devices."""
        if device.type != "cuda":
            return cls(device)
        peak = peak_flops(torch.cuda.get_device_name(device), arithmetic)
        return cls(device, None if peak is None else peak * world_size)

    def peak_memory_bytes(self) -> int | None:
        """The peak of GPU memory that this process has allocated; None: no GPU."""
        if self.device.type != "cuda":
            return None
        return torch.cuda.max_memory_allocated(self.device)


_CPU: Final = Machine(torch.device("cpu"))


class TimeLeft:
    """Estimates the remaining time by an exponential moving average of seconds per update."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._mean: float | None = None

    def estimate(self, update: int, *, updates: int, seconds: float) -> float:
        """Seconds to the last update, after the newest `updates` took `seconds`."""
        newest = seconds / max(updates, 1)
        if self._mean is None:
            self._mean = newest
        else:
            self._mean += _NEWEST_WEIGHT * (newest - self._mean)
        return (self._total - update) * self._mean


class ThroughputMeter:
    """Writes updates per second, and tokens or pairs per second, every few updates."""

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
        self._time_left = TimeLeft(total)
        self._measures_waiting = False
        self._begin_line(update, time.monotonic())

    def add_waiting(self, seconds: float) -> None:
        """Add time that was spent waiting for data."""
        self._measures_waiting = True
        self._waited += seconds

    def count(
        self, update: int, amount: int, *, flops: int = 0, loss: float | None = None
    ) -> dict[str, Any] | None:
        """Count one update with `amount` tokens; write and return a line when one is due.

        A line is due every `every` updates, after 45 seconds, and at the last update.
        """
        self._amount += amount
        self._flops += flops
        now = time.monotonic()
        is_due = update % self._every == 0 or now - self._began >= _MAX_SECONDS
        if not is_due and update != self._total:
            return None
        line = self._line(update, max(now - self._began, 1e-9))
        if loss is not None:
            line["loss"] = round(loss, 4)
        self._lines.append(line)
        self._begin_line(update, now)
        return line

    def _line(self, update: int, seconds: float) -> dict[str, Any]:
        updates = update - self._update
        seconds_left = self._time_left.estimate(update, updates=updates, seconds=seconds)
        line = {
            "step": update,
            "total": self._total,
            "seconds": round(seconds, 3),
            f"{self._unit}_per_second": round(self._amount / seconds),
            "steps_per_second": round(updates / seconds, 2),
            "seconds_left": round(seconds_left, 1),
        }
        if self._measures_waiting:
            line["waiting_share"] = round(self._waited / seconds, 4)
        memory, peak = self._machine.peak_memory_bytes(), self._machine.peak_flops
        if memory is not None:
            line["gpu_memory_bytes"] = memory
        if peak is not None and self._flops:
            line["mfu"] = round(self._flops / seconds / peak, 4)
        return line | {"note": self._note}

    def _begin_line(self, update: int, now: float) -> None:
        self._update, self._began = update, now
        self._amount, self._flops, self._waited = 0, 0, 0.0
