"""The guard that looks at validations, alone and in a real run."""

import json
import logging
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from xlm.config.training.guards import GuardConfig
from xlm.errors import TrainingError
from xlm.training.launch.distributed import ProcessGroup
from xlm.training.launch.job import PretrainJob
from xlm.training.monitoring.collapse import CollapseGuard, unigram_perplexity
from xlm.training.trainer import Trainer

COUNTS = np.array([0, 0, 100, 100, 100, 100])


def collapse_guard(diagnostics: Path | None = None, **changes: object) -> CollapseGuard:
    settings = {"collapse": "stop", "collapse_validations": 2, **changes}
    return CollapseGuard(
        GuardConfig.model_validate(settings),
        COUNTS,
        warmup_updates=100,
        diagnostics=diagnostics,
        run={},
    )


def validations(*perplexities: float, accuracy: float = 20.0) -> list[dict[str, float]]:
    return [
        {"step": 100 * (number + 1), "valid_mlm_ppl": perplexity, "valid_mlm_acc": accuracy}
        for number, perplexity in enumerate(perplexities)
    ]


def test_unigram_perplexity_is_that_of_the_counts() -> None:
    assert unigram_perplexity(COUNTS) == pytest.approx(4)
    assert unigram_perplexity(np.array([0, 1, 3])) == pytest.approx(4 / 3**0.75)
    assert unigram_perplexity(np.zeros(3, dtype=np.int64)) == math.inf


@pytest.mark.parametrize(
    ("perplexities", "accuracy", "ids", "says"),
    [
        ((9.0, 9.0, 4.5), 20.0, 7, "perplexity 4.5 is no better than that of word frequencies"),
        ((9.0, 9.0, math.nan), 20.0, 7, "no better than"),
        ((9.0, 9.0, 2.0), 0.0, 7, "no token was predicted rightly"),
        ((9.0, 9.0, 2.0), 20.0, 1, "one and the same id is predicted everywhere"),
    ],
)
def test_each_sign_of_collapse_is_named(
    tmp_path: Path, perplexities: tuple[float, ...], accuracy: float, ids: int, says: str
) -> None:
    found = validations(*perplexities, accuracy=accuracy)
    with pytest.raises(TrainingError, match=f"collapsed at update 300: .*{says}"):
        collapse_guard(tmp_path / "collapse").check(found, predicted_ids=ids)
    report = json.loads((tmp_path / "collapse" / "update-000000300.json").read_text())
    assert says in report["reasons"][0]
    assert report["unigram_perplexity"] == pytest.approx(4)
    assert len(report["validations"]) == 3


@pytest.mark.parametrize(
    "found",
    [
        # Within the warm-up, and one validation behind it: too early to say.
        validations(9.0),
        validations(9.0, 9.0),
        validations(9.0, 9.0, 3.9),
        # Nothing was validated: nothing to say.
        [{"step": step} for step in (100, 200, 300, 400)],
    ],
)
def test_a_run_that_learns_or_has_just_begun_is_left_alone(
    found: list[dict[str, float]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    collapse_guard(tmp_path / "collapse").check(found, predicted_ids=None)
    assert not (tmp_path / "collapse").exists()
    assert not caplog.records


def test_by_default_it_only_warns(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert GuardConfig().collapse == "warn"
    bad = validations(9.0, 9.0, 9.0)
    with caplog.at_level(logging.WARNING):
        collapse_guard(tmp_path / "collapse", collapse="warn").check(bad)
        # Processes that write no files say nothing either.
        collapse_guard(collapse="warn").check(bad)
    assert len(caplog.records) == 1
    collapse_guard(tmp_path / "none", collapse="off").check(bad)
    assert not (tmp_path / "none").exists()


def test_diagnostics_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "collapse").write_text("no folder")
    with pytest.raises(TrainingError, match="diagnostics cannot be written: File exists"):
        collapse_guard(tmp_path / "collapse", collapse="stop").check(validations(9.0, 9.0, 9.0))


def test_a_run_that_predicts_one_id_stops(make_job: Callable[..., PretrainJob]) -> None:
    """Weights of nought, and a bias that wants one id whatever it reads."""
    job = make_job(
        updates=12, validation_updates=3, optimizer={"learning_rate": 1e-9},
        guard={"collapse": "stop", "collapse_validations": 2}, sample_alpha=0,
    )  # fmt: skip
    trainer = Trainer(job, ProcessGroup(0, 1, torch.device("cpu")))
    with torch.no_grad():
        for parameter in trainer._encoder.parameters():
            parameter.zero_()
        trainer._encoder.pred_layer.proj.bias[20] = 5.0
    with pytest.raises(TrainingError, match="one and the same id is predicted everywhere") as stop:
        trainer.run()
    # The warm-up is over after two updates: the second validation behind it is that of update 6.
    assert "collapsed at update 6" in str(stop.value)
    assert (job.logs / "collapse" / "update-000000006.json").exists()


@pytest.mark.slow
def test_a_run_that_learns_is_not_stopped(make_job: Callable[..., PretrainJob]) -> None:
    job = make_job(
        updates=150, validation_updates=50, languages_per_batch=2, sample_alpha=0,
        guard={"collapse": "stop", "collapse_validations": 1},
    )  # fmt: skip
    Trainer(job, ProcessGroup(0, 1, torch.device("cpu"))).run()
    assert (job.out / "model.safetensors").exists()
    assert not (job.logs / "collapse").exists()
