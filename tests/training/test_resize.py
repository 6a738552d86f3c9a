"""`pretrain.resize`: an unfinished run goes on with another number of processes, in the store."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from xlm.config.training.pretrain import PretrainSlice
from xlm.engine.stage import StageContext
from xlm.stages.model.pretrain import PRETRAIN
from xlm.training.checkpoints import newest_update


def far(context: StageContext[PretrainSlice], other: Mapping[str, Any]) -> int | None:
    assert PRETRAIN.continues is not None
    return PRETRAIN.continues(context.config, json.loads(json.dumps(other)), context.scratch)


@pytest.mark.slow
def test_a_resized_run_records_its_parts(
    make_context: Callable[..., StageContext[PretrainSlice]],
) -> None:
    settings: dict[str, Any] = {
        "metrics_updates": 4, "validation_updates": 1000, "keep": "last", "checkpoint_updates": 4,
        "schedule": {"kind": "constant", "warmup_updates": 2},
    }  # fmt: skip
    first = make_context("run", updates=8, processes=2, **settings)
    PRETRAIN.run(first)
    assert newest_update(first.scratch / "checkpoints") == 8
    second = make_context("run", updates=12, resize=True, **settings)
    result = PRETRAIN.run(second)
    assert result.counts["processes"] == "2 from update 0, 1 from update 8"
    summary = json.loads((second.out / "validation.json").read_text())
    assert summary["processes"] == [[0, 2], [8, 1]]


def test_only_a_run_that_differs_in_its_size_is_continued(
    make_context: Callable[..., StageContext[PretrainSlice]],
) -> None:
    eight = make_context("run", updates=8, processes=8)
    (eight.scratch / "checkpoints" / "update-000000040").mkdir(parents=True)
    resized = make_context("run", updates=8, processes=4, resize=True)
    other = eight.config.key_fields()
    assert far(resized, other) == 40
    assert far(resized, resized.config.key_fields()) == 40
    assert far(make_context("run", updates=8, processes=4), other) is None
    assert far(make_context("run", updates=9, processes=4, resize=True), other) is None
    assert far(make_context("run", updates=8, seed=5, resize=True), other) is None
    assert far(replace(resized, scratch=Path("/nowhere")), other) is None
    copied = resized.config.model_copy(update={"copied": True})
    assert far(replace(resized, config=copied), copied.key_fields()) is None


def test_resize_is_in_the_key_only_if_set(
    make_context: Callable[..., StageContext[PretrainSlice]],
) -> None:
    assert "resize" not in make_context("run").config.key_fields()["pretrain"]
    assert make_context("run", resize=True).config.key_fields()["pretrain"]["resize"] is True
