"""Callbacks: a tracker in one file, without a change of the trainer."""

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.training.runs import BrokenAt18, files, make_trainer
from xlm.dataloader.batch import Batch
from xlm.training.launch.job import PretrainJob
from xlm.training.monitoring.callback import (
    Callback,
    CallbackList,
    MetricsKind,
    Record,
    TrainingRun,
)
from xlm.training.update import PendingUpdate

MakeJob = Callable[..., PretrainJob]


class Tracker(Callback):
    """A toy tracker: sends records to a list, and numbers them across resumed runs."""

    name = "tracker"

    def __init__(self) -> None:
        self.sent: list[tuple[int, str, int]] = []
        self.hooks: list[str] = []
        self._count = 0

    def on_run_start(self, run: TrainingRun) -> None:
        self.hooks.append(f"start at {run.state.update}")

    def on_metrics(self, kind: MetricsKind, record: Record) -> None:
        self.sent.append((self._count, kind, record["step"]))
        self._count += 1

    def on_validation(
        self, validations: Sequence[Mapping[str, float]], predicted_ids: int | None
    ) -> None:
        self.hooks.append(f"validation {len(validations)}")

    def on_update(self, update: int, batch: Batch) -> None:
        if update % 10 == 0:
            self.hooks.append(f"update {update}")

    def on_checkpoint(self, directory: Path) -> None:
        assert (directory / "model.safetensors").exists()
        self.hooks.append(directory.name)

    def on_run_end(self) -> None:
        self.hooks.append("end")

    def state_dict(self) -> dict[str, Any]:
        return {"count": self._count}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._count = state_dict["count"]


def test_losses_and_the_time_left_are_in_the_log(
    make_job: MakeJob, caplog: pytest.LogCaptureFixture
) -> None:
    """`xlm logs` showed none, and a job of a cluster may have nobody who waits for it."""
    with caplog.at_level(logging.INFO):
        make_trainer(make_job()).run()
    (line,) = [r.getMessage() for r in caplog.records if "updates/s" in r.getMessage()]
    assert re.match(r"20 of 20 updates; mlm \d\.\d+, tlm \d\.\d+; .* tokens/s; .* left$", line)


@pytest.mark.slow
def test_a_tracker_sees_the_run_and_changes_no_byte(make_job: MakeJob) -> None:
    plain, tracked = make_job("plain"), make_job("tracked", checkpoint_updates=10)
    make_trainer(plain).run()
    tracker = Tracker()
    make_trainer(tracked, tracker).run()
    assert files(tracked.out) == files(plain.out)
    # A report every 5 updates, a validation every 10, one line of speed at the end.
    assert [(kind, step) for _, kind, step in tracker.sent] == [
        ("training", 5), ("training", 10), ("validation", 10), ("training", 15), ("training", 20),
        ("validation", 20), ("speed", 20),
    ]  # fmt: skip
    assert tracker.hooks == [
        "start at 0", "validation 1", "update 10", "update-000000010",
        "validation 2", "update 20", "update-000000020", "end",
    ]  # fmt: skip


def test_the_state_of_a_tracker_is_part_of_checkpoints(make_job: MakeJob) -> None:
    job = make_job(checkpoint_updates=7)
    with pytest.raises(KeyboardInterrupt):
        make_trainer(job, Tracker(), kind=BrokenAt18).run()
    state = json.loads(
        (job.scratch / "checkpoints" / "update-000000014" / "state.json").read_text()
    )
    assert state["tracker"] == {"count": 3}
    tracker = Tracker()
    make_trainer(job, tracker).run()
    assert tracker.hooks[0] == "start at 14"
    assert tracker.sent[0] == (3, "training", 15)


def test_a_checkpoint_without_a_callbacks_state_is_read(make_job: MakeJob) -> None:
    """A tracker may be added to a run that has begun without it."""
    job = make_job(checkpoint_updates=7)
    with pytest.raises(KeyboardInterrupt):
        make_trainer(job, kind=BrokenAt18).run()
    tracker = Tracker()
    make_trainer(job, tracker).run()
    assert tracker.sent[0] == (0, "training", 15)


class Failing(Callback):
    """Fails in every hook that it overrides."""

    name = "failing"

    def on_update(self, update: int, batch: Batch) -> None:
        raise RuntimeError("server is down")


class Optional(Failing):
    """The run goes on without it."""

    may_fail = True


def test_only_a_callback_that_may_fail_is_logged_and_ignored(
    make_job: MakeJob, caplog: pytest.LogCaptureFixture
) -> None:
    job = make_job(updates=4)
    with caplog.at_level(logging.WARNING):
        make_trainer(job, Optional()).run()
    messages = [record.getMessage() for record in caplog.records]
    assert messages.count("failing failed, training continues: server is down") == 1
    assert (job.out / "model.safetensors").exists()
    with pytest.raises(RuntimeError, match="server is down"):
        make_trainer(make_job("essential", updates=4), Failing()).run()


class Refusing(Callback):
    """Skips one update."""

    name = "refusing"

    def __init__(self) -> None:
        self._skipped = 0

    @property
    def skipped_updates(self) -> int:
        return self._skipped

    def admits(self, update: PendingUpdate) -> bool:
        self._skipped += update.number == 3
        return update.number != 3


def test_any_callback_may_skip_an_update_and_the_metrics_count_it(make_job: MakeJob) -> None:
    job = make_job(updates=5)
    make_trainer(job, Refusing()).run()
    (record,) = [json.loads(line) for line in (job.out / "metrics.jsonl").read_text().splitlines()]
    assert record["skipped"] == 1


def test_names_are_unique() -> None:
    with pytest.raises(ValueError, match="two callbacks have the same name: tracker, tracker"):
        CallbackList([Tracker(), Tracker()])
