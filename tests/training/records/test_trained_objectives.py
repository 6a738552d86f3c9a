"""The objectives that a run trained, read from its metrics; the others are warned of."""

from collections.abc import Callable
from pathlib import Path

import pytest

from xlm.config.training.pretrain import PretrainSlice
from xlm.engine.stage import StageContext
from xlm.errors import DataError
from xlm.stages.model.pretrain import PRETRAIN
from xlm.training.records.curves import trained_objectives


@pytest.mark.slow
def test_an_objective_without_data_is_warned_of(
    make_context: Callable[..., StageContext[PretrainSlice]],
) -> None:
    context = make_context("alone", updates=4)
    for role in [role for role in context.inputs if "-" in role]:
        del context.inputs[role]  # type: ignore[attr-defined]
    outcome = PRETRAIN.run(context)
    assert context.config.pretrain.objectives == ("mlm", "tlm")
    assert outcome.counts["objectives"] == "mlm"
    (warning,) = outcome.warnings
    assert warning.startswith("TLM is configured, but no update trained it")


@pytest.mark.slow
def test_an_objective_that_a_short_run_does_not_reach_is_warned_of(
    make_context: Callable[..., StageContext[PretrainSlice]],
) -> None:
    """An iteration begins with MLM, and this run ends before TLM."""
    outcome = PRETRAIN.run(make_context("short", updates=2))
    assert outcome.counts["objectives"] == "mlm"
    assert len(outcome.warnings) == 1


def test_both_objectives_are_read_from_the_metrics(tmp_path: Path) -> None:
    metrics = tmp_path / "metrics.jsonl"
    metrics.write_text('{"step": 1, "loss": {"tlm": 1}}\n{"step": 2, "loss": {"mlm": 1}}\n')
    assert trained_objectives(metrics) == ("mlm", "tlm")
    metrics.write_text("[]\n")
    with pytest.raises(DataError, match="line 1: no losses by objective"):
        trained_objectives(metrics)
