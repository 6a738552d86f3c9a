"""Fine-tuning and evaluation in processes: their number changes no byte, and no port is open."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.classification.selected import UNIT
from tests.listening_sockets import SocketWatch, descendants_of
from tests.tiny_world import LANGUAGES, TinyWorld
from xlm.classification.evaluation.evaluator import run_evaluation
from xlm.classification.launch.jobs import EvaluateJob, FinetuneJob
from xlm.classification.restarts import run_restarts
from xlm.config.training.classification import EvaluateSlice, FinetuneSlice
from xlm.display.progress import NoProgress
from xlm.engine.stage import StageContext
from xlm.stages.model.evaluate import EVALUATE
from xlm.stages.model.finetune import FINETUNE
from xlm.training.launch.distributed import ProcessGroup

pytestmark = pytest.mark.slow


def context(directory: Path, config: Any, inputs: dict[str, Path]) -> StageContext[Any]:
    no_mapper: Any = None
    return StageContext(
        unit="all",
        config=config,
        inputs=inputs,
        out=directory / "out",
        scratch=directory / "scratch",
        logs=directory / "logs",
        mapper=no_mapper,
        workers=1,
        progress=NoProgress(),
    )


def files(directory: Path) -> dict[str, bytes]:
    found = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in found}


def test_the_number_of_processes_changes_no_byte(
    world: TinyWorld,
    encoder: Path,
    tmp_path: Path,
    make_finetune: Callable[..., FinetuneJob],
    make_evaluate: Callable[..., EvaluateJob],
) -> None:
    """Two processes of the stages write the same bytes as this process alone."""
    job = make_finetune(updates=6, evaluation_updates=3, restarts=2)
    inputs = {"pretrain": encoder, "vocabulary": world.vocabulary}
    config: Any = FinetuneSlice(
        train=("en",),
        languages=LANGUAGES,
        finetune=job.finetune.model_copy(update={"processes": 2}),
        pretrain=None,
    )
    tune = context(tmp_path / "tune", config, {**inputs, "data.xnli.en": world.xnli["en"]})
    with SocketWatch(lambda: descendants_of(os.getpid()) - {os.getpid()}) as tuning:
        tuned = FINETUNE.run(tune)
    assert tuned.counts["restarts"] == 2
    assert 0 <= float(tuned.counts["english_dev_accuracy"]) <= 1

    torch.set_num_threads(1)
    alone = ProcessGroup(0, 1, torch.device("cpu"))
    run_restarts(job, alone)
    assert files(tune.out) == files(job.out)

    shards = {**world.mono, **world.pairs, **{f"xnli.{c}": p for c, p in world.xnli.items()}}
    data = {f"data.{unit}": path for unit, path in shards.items()}
    evaluation = make_evaluate("evaluate", job.out, baseline_epochs=1)
    config = EvaluateSlice(
        train=("en",),
        languages=LANGUAGES,
        stream_tokens=16,
        specials=False,
        evaluate=evaluation.evaluate.model_copy(update={"processes": 2}),
        task="XNLI",
    )
    selected = {"select": evaluation.selection, f"finetune.{UNIT}": tune.out}
    measure = context(tmp_path / "measure", config, {**inputs, **data, **selected})
    with SocketWatch(lambda: descendants_of(os.getpid()) - {os.getpid()}) as measuring:
        found = EVALUATE.run(measure)
    for watch in (tuning, measuring):
        assert (
            sum("xlm.classification.launch.entry" in command for command in watch.seen.values())
            >= 4
        )
        assert watch.sockets
        assert not watch.open_to_others
    assert {"test", "english_test", "retrieval_raw"} <= found.counts.keys()
    assert found.measured["peak_memory_bytes"] > 0

    run_evaluation(evaluation, alone)
    assert files(measure.out) == files(evaluation.out)
