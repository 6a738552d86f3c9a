"""The guard against collapse, alone and in a run."""

import json
import logging
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.runs import make_trainer
from xlm.config.training.guards import GuardConfig
from xlm.errors import TrainingError
from xlm.training.launch.job import PretrainJob
from xlm.training.monitoring.collapse import CollapseCheck, unigram_perplexity

COUNTS = np.array([0, 0, 100, 100, 100, 100])


def collapse_check(reports: Path | None = None, **changes: object) -> CollapseCheck:
    settings = {"collapse": "stop", "collapse_validations": 2, **changes}
    return CollapseCheck(
        GuardConfig.model_validate(settings), COUNTS, warmup_updates=100, reports=reports, run={}
    )


def validations(*perplexities: float, accuracy: float = 20.0) -> list[dict[str, float]]:
    return [
        {"step": 100 * (number + 1), "valid_mlm_ppl": perplexity, "valid_mlm_acc": accuracy}
        for number, perplexity in enumerate(perplexities)
    ]


def test_unigram_perplexity_of_counts() -> None:
    assert unigram_perplexity(COUNTS) == pytest.approx(4)
    assert unigram_perplexity(np.array([0, 1, 3])) == pytest.approx(4 / 3**0.75)
    assert unigram_perplexity(np.zeros(3, dtype=np.int64)) == math.inf


@pytest.mark.parametrize(
    ("perplexities", "accuracy", "ids", "says"),
    [
        (
            (9.0, 9.0, 4.5),
            20.0,
            7,
            "perplexity 4.5 is not better than 4.0, the perplexity of the token frequencies",
        ),
        ((9.0, 9.0, math.nan), 20.0, 7, "perplexity nan is not better than 4.0"),
        ((9.0, 9.0, 2.0), 0.0, 7, "no token was predicted correctly"),
        ((9.0, 9.0, 2.0), 20.0, 1, "every prediction is the same id"),
    ],
)
def test_each_sign_of_collapse_is_reported(
    tmp_path: Path, perplexities: tuple[float, ...], accuracy: float, ids: int, says: str
) -> None:
    found = validations(*perplexities, accuracy=accuracy)
    with pytest.raises(TrainingError, match=f"collapsed at update 300: .*{says}"):
        collapse_check(tmp_path / "collapse").check(found, predicted_ids=ids)
    report = json.loads((tmp_path / "collapse" / "update-000000300.json").read_text())
    assert says in report["reasons"][0]
    assert report["unigram_perplexity"] == pytest.approx(4)
    assert len(report["validations"]) == 3


@pytest.mark.parametrize(
    "found",
    [
        # Within the warm-up, and one validation after it: too early.
        validations(9.0),
        validations(9.0, 9.0),
        validations(9.0, 9.0, 3.9),
        # No validation data.
        [{"step": step} for step in (100, 200, 300, 400)],
    ],
)
def test_a_run_that_learns_or_has_just_begun_is_not_reported(
    found: list[dict[str, float]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    collapse_check(tmp_path / "collapse").check(found, predicted_ids=None)
    assert not (tmp_path / "collapse").exists()
    assert not caplog.records


def test_the_default_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert GuardConfig().collapse == "warn"
    bad = validations(9.0, 9.0, 9.0)
    with caplog.at_level(logging.WARNING):
        collapse_check(tmp_path / "collapse", collapse="warn").check(bad)
        # Processes that write no reports do not warn.
        collapse_check(collapse="warn").check(bad)
    assert len(caplog.records) == 1
    collapse_check(tmp_path / "none", collapse="off").check(bad)
    assert not (tmp_path / "none").exists()


def test_a_report_that_cannot_be_written_is_an_error_message(tmp_path: Path) -> None:
    (tmp_path / "collapse").write_text("not a folder")
    with pytest.raises(TrainingError, match="diagnostics cannot be written: File exists"):
        collapse_check(tmp_path / "collapse", collapse="stop").check(validations(9.0, 9.0, 9.0))


def test_a_run_that_predicts_one_id_stops(make_job: Callable[..., PretrainJob]) -> None:
    """All weights are zero, and the bias prefers one id."""
    job = make_job(
        updates=12, validation_updates=3, optimizer={"learning_rate": 1e-9},
        guard={"collapse": "stop", "collapse_validations": 2}, sample_alpha=0,
    )  # fmt: skip
    trainer = make_trainer(job)
    with torch.no_grad():
        for parameter in trainer.encoder.parameters():
            parameter.zero_()
        trainer.encoder.pred_layer.proj.bias[20] = 5.0
    with pytest.raises(TrainingError, match="every prediction is the same id") as stop:
        trainer.run()
    # The warm-up ends after two updates, so the second validation after it is at update 6.
    assert "collapsed at update 6" in str(stop.value)
    assert (job.logs / "collapse" / "update-000000006.json").exists()


@pytest.mark.slow
def test_a_run_that_learns_is_not_stopped(make_job: Callable[..., PretrainJob]) -> None:
    job = make_job(
        updates=150, validation_updates=50, languages_per_batch=2, sample_alpha=0,
        guard={"collapse": "stop", "collapse_validations": 1},
    )  # fmt: skip
    make_trainer(job).run()
    assert (job.out / "model.safetensors").exists()
    assert not (job.logs / "collapse").exists()
