"""kill -9 at random updates, and runs that resume with another number of processes."""

import json
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.training.processes import start_process
from tests.training.runs import NO_DROPOUT, files, straight_run
from xlm.config.training.pretrain import PretrainSlice
from xlm.engine.stage import StageContext
from xlm.stages.model.pretrain import PRETRAIN
from xlm.training.launch.job import SPEED_FILE, PretrainJob
from xlm.training.revisions import kept_revisions

_UPDATES = 200
_KILLS = 10


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["faithful", "fast"])
def test_ten_kills_at_random_updates_change_no_bit(
    make_job: Callable[..., PretrainJob], recipe: str
) -> None:
    """A kill may hit a checkpoint, a validation or a metrics file."""
    settings: dict[str, Any] = {
        "updates": _UPDATES, "validation_updates": 30, "checkpoint_updates": 7,
        "revision_updates": 50, "speed_updates": 1, "patience": None,
    }  # fmt: skip
    if recipe == "fast":
        settings |= {
            "languages_per_batch": 4, "pair_order": "shuffled", "masking": "rows",
            "micro_batch_tokens": 40,
        }  # fmt: skip
    kills = _KILLS if recipe == "faithful" else 3
    straight = straight_run(make_job("straight", **settings))
    job = make_job("killed", **settings)
    chance = random.Random(recipe)
    targets = sorted(chance.sample(range(5, _UPDATES - 5), kills))
    for target in targets:
        process = start_process(job)
        while _updates(job) < target and process.is_alive():
            time.sleep(0.001)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL, "the process ended before the kill"
    start_process(job).join()
    assert (job.logs / SPEED_FILE).read_text().count("\n") > _UPDATES, "no update was repeated"
    assert files(job.out) == files(straight)
    assert list(kept_revisions(job.out)) == [50, 100, 150]


def _updates(job: PretrainJob) -> int:
    """The highest reported update."""
    try:
        lines = (job.logs / SPEED_FILE).read_text().split("\n")
    except FileNotFoundError:
        return 0
    return max((json.loads(line)["step"] for line in lines[:-1]), default=0)


@pytest.mark.slow
def test_one_process_then_two_then_one_compute_what_one_computes(
    make_context: Callable[..., StageContext[PretrainSlice]], make_job: Callable[..., PretrainJob]
) -> None:
    """Batches and masks do not depend on the number of processes, also in resumed runs."""
    settings: dict[str, Any] = {
        "metrics_updates": 1, "validation_updates": 1000, "keep": "last", "masking": "rows",
        "languages_per_batch": 2, "schedule": {"kind": "constant", "warmup_updates": 2},
    }  # fmt: skip
    one = straight_run(make_job("one", model=NO_DROPOUT, updates=24, **settings))
    straight_run(make_job("changing", model=NO_DROPOUT, updates=8, **settings))
    context = make_context("changing", updates=16, processes=2, **settings)
    PRETRAIN.run(context)
    assert "resuming from update 8" in (context.logs / "processes.log").read_text()
    last = straight_run(make_job("changing", model=NO_DROPOUT, updates=24, **settings))
    expected, found = (_records(directory) for directory in (one, last))
    assert [r["step"] for r in found] == list(range(1, 25))
    assert [r["tokens"] for r in found] == [r["tokens"] for r in expected]
    for theirs, ours in zip(expected, found, strict=True):
        assert ours["loss_by_step"].keys() == theirs["loss_by_step"].keys()
        assert list(ours["loss"].values()) == pytest.approx(list(theirs["loss"].values()), rel=1e-4)


def _records(directory: Path) -> list[dict[str, Any]]:
    lines = (directory / "metrics.jsonl").read_text().split("\n")[:-1]
    return [json.loads(line) for line in lines]
