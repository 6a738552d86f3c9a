"""The throughput meter: rates, time left, waiting, and what only a GPU has."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from xlm.training.records import throughput
from xlm.training.records.throughput import Machine, ThroughputMeter, TimeLeft

CPU = torch.device("cpu")


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(throughput, "time", clock)
    return clock


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_has_rates_waiting_and_time_left(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "speed.jsonl"
    meter = ThroughputMeter(path, update=0, total=100, every=10)
    for update in range(1, 11):
        meter.add_waiting(0.5)
        clock.now += 2
        meter.count(update, 300)
    (line,) = records(path)
    assert line == {
        "step": 10, "total": 100, "seconds": 20.0, "tokens_per_second": 150,
        "steps_per_second": 0.5, "seconds_left": 180.0, "waiting_share": 0.25, "note": "",
    }  # fmt: skip


def test_waiting_is_counted_since_the_line_before(tmp_path: Path, clock: Clock) -> None:
    meter = ThroughputMeter(tmp_path / "speed.jsonl", update=0, total=4, every=2)
    meter.add_waiting(3)
    clock.now += 4
    meter.count(2, 1)
    clock.now += 4
    meter.count(4, 1)
    assert [r["waiting_share"] for r in records(tmp_path / "speed.jsonl")] == [0.75, 0.0]


def test_what_is_not_measured_is_left_out(tmp_path: Path) -> None:
    meter = ThroughputMeter(tmp_path / "speed.jsonl", update=0, total=1, every=1, unit="pairs")
    line = meter.count(1, 8, flops=10**9)
    assert line is not None
    assert "pairs_per_second" in line
    assert not {"mfu", "gpu_memory_bytes", "waiting_share"} & line.keys()


def test_mfu_is_the_share_of_the_peak_of_all_devices(tmp_path: Path, clock: Clock) -> None:
    machine = Machine(CPU, peak_flops=4 * 1e12)
    meter = ThroughputMeter(tmp_path / "s.jsonl", update=0, total=9, every=2, machine=machine)
    clock.now += 2
    assert meter.count(1, 1, flops=int(1e12)) is None
    line = meter.count(2, 1, flops=int(3e12))
    assert line is not None
    assert line["mfu"] == 0.5


def test_a_cpu_has_no_known_peak() -> None:
    assert Machine.of(CPU, "bf16", world_size=4) == Machine(CPU, None)


def test_time_left_changes_smoothly() -> None:
    left = TimeLeft(total=1000)
    assert left.estimate(100, updates=100, seconds=100) == pytest.approx(900)
    # A slow line, for example with a validation, has a weight of a fifth.
    assert left.estimate(200, updates=100, seconds=300) == pytest.approx(800 * 1.4)
    for update in range(300, 1000, 100):
        seconds = left.estimate(update, updates=100, seconds=100)
    assert seconds == pytest.approx(100, rel=0.15)
    assert left.estimate(1000, updates=100, seconds=100) == 0
