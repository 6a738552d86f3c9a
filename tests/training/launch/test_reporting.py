"""What the driver reports about a running job: rates, progress, a status line a minute."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.training.conftest import Recorder
from xlm.display.progress import NoProgress
from xlm.processes.follow import JsonFollower
from xlm.training.launch import reporting
from xlm.training.launch.job import DOCUMENTS
from xlm.training.launch.reporting import DocumentReader, StatusLog, ThroughputReader

SPEED: dict[str, Any] = {
    "step": 1200, "total": 200_000, "seconds": 2.0, "tokens_per_second": 43_000,
    "steps_per_second": 25.0, "seconds_left": 7952.0, "note": "",
}  # fmt: skip


class Clock:
    """A clock that the test sets."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(reporting, "time", clock)
    return clock


def test_a_line_a_minute_has_losses_rates_and_time_left(tmp_path: Path, clock: Clock) -> None:
    progress, metrics = Recorder(), tmp_path / "metrics.jsonl"
    metrics.write_text(json.dumps({"step": 50, "loss": {"mlm": 9.0}}) + "\n")
    log = StatusLog(progress, "updates", losses=metrics)
    with metrics.open("a") as file:
        file.write(json.dumps({"step": 1200, "loss": {"mlm": 3.2144, "tlm": 2.8}}) + "\n")
    log.take(SPEED)
    assert progress.lines == [
        "1,200 of 200,000 updates; mlm 3.214, tlm 2.800; 25.0 updates/s, 43,000 tokens/s; "
        "2 h 12 min left"
    ]
    for second in range(600):
        clock.now = 100.0 + second
        if second % 2 == 0:
            log.take({**SPEED, "step": 1200 + 25 * second})
        log.tick()
    assert 10 <= len(progress.lines) <= 13
    assert progress.lines[-1].startswith("14,")


def test_a_job_without_news_is_logged_too(tmp_path: Path, clock: Clock) -> None:
    progress = Recorder()
    log = StatusLog(progress, "updates", losses=tmp_path / "none")
    clock.now += 55
    log.tick()
    assert progress.lines == ["no update yet; no news for 55.0 s"]
    log.take({**SPEED, "note": "restart 1", "loss": 0.98})
    clock.now += 70
    log.tick()
    log.tick()
    assert progress.lines[1].startswith("restart 1; 1,200 of 200,000 updates; loss 0.980; 25.0 up")
    assert progress.lines[2].endswith("left; no news for 1 min 10 s")
    assert len(progress.lines) == 3


def test_the_last_record_is_logged(tmp_path: Path, clock: Clock) -> None:
    progress = Recorder()
    log = StatusLog(progress, "measurements", losses=tmp_path / "none")
    log.take({"step": 1, "total": 3, "note": "xnli en"})
    log.take({"step": 2, "total": 3, "note": "xnli fr"})
    log.take({"step": 3, "total": 3, "note": "xnli sw"})
    assert progress.lines == ["xnli en; 1 of 3 measurements", "xnli sw; 3 of 3 measurements"]


def test_rates_are_weighted_by_time_and_memory_is_the_peak(tmp_path: Path) -> None:
    path = tmp_path / "speed.jsonl"
    reader = ThroughputReader(path, NoProgress(), "updates")
    rows = [
        {"seconds": 1.0, "tokens_per_second": 100, "mfu": 0.2, "gpu_memory_bytes": 7},
        {"seconds": 3.0, "tokens_per_second": 200, "mfu": 0.4, "gpu_memory_bytes": 5},
    ]
    path.write_text(
        "".join(json.dumps({"step": 1, "total": 2, "note": "", **row}) + "\n" for row in rows)
    )
    reader.update()
    assert reader.rates() == {
        "tokens_per_second": pytest.approx(175),
        "mfu": pytest.approx(0.35),
        "gpu_memory_bytes": 7,
    }
    assert list(JsonFollower(path).new_records()) == []


def test_a_document_is_shown_when_it_changes(tmp_path: Path) -> None:
    """A new attempt removes the documents of an earlier one, which are not shown again."""
    progress = _Documents()
    path = tmp_path / f"{DOCUMENTS[0]}.md"
    path.write_text("earlier")
    reader = DocumentReader(tmp_path, progress)
    reader.update()
    path.unlink()
    reader.update()
    assert progress.shown == []
    path.write_text("new")
    reader.update()
    reader.update()
    assert progress.shown == [(path.stem, "new")]


class _Documents(NoProgress):
    def __init__(self) -> None:
        self.shown: list[tuple[str, str]] = []

    def show(self, key: str, markdown: str) -> None:
        self.shown.append((key, markdown))
