"""Fine-tuning and evaluation as their stages see them: write the job, start processes, count.

No torch here: this runs in the driver.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from xlm.config.languages.pairs import ENGLISH
from xlm.config.training.xnli import EvaluateSlice, FinetuneSlice
from xlm.engine.stage import StageContext, StageResult
from xlm.training.launch.driver import launch_job
from xlm.training.launch.launcher import Launcher
from xlm.xnli.launch.jobs import EvaluateJob, FinetuneJob
from xlm.xnli.results.records import read_results

_MODULE = "xlm.xnli.launch.entry"


def finetune(
    context: StageContext[FinetuneSlice],
    *,
    encoder: Path,
    vocabulary: Path,
    xnli: Mapping[str, Path],
    mono: Mapping[str, Path],
    pairs: Mapping[str, Path],
    launcher: Launcher | None = None,
) -> StageResult:
    """Fine-tune in processes of their own; restarts that are finished are not run again.

    Raises:
        TrainingError: fine-tuning collapsed, or cannot go on.
        ToolError: the processes failed without a word.
    """
    config = context.config.finetune
    job = FinetuneJob(
        finetune=config,
        pretrain=context.config.pretrain,
        encoder=encoder,
        vocabulary=vocabulary,
        xnli=dict(xnli),
        mono=dict(mono),
        pairs=dict(pairs),
        scratch=context.scratch,
        out=context.out,
        logs=context.logs,
    )
    measured = launch_job(
        context,
        job,
        module=_MODULE,
        processes=min(config.processes, config.restarts),
        threads_per_process=config.threads_per_process,
        timeout_seconds=config.timeout_seconds,
        unit="updates",
        launcher=launcher,
    )
    summary = json.loads((context.out / "attempts.json").read_text(encoding="utf-8"))
    kept = summary["attempts"][summary["kept_restart"]]
    return StageResult(
        counts={
            "restarts": len(summary["attempts"]),
            "kept_restart": summary["kept_restart"],
            "updates": kept["kept_update"],
            "training_pairs": kept["training_pairs"],
            "english_dev_accuracy": kept["english_dev"],
        },
        measured=measured,
    )


def evaluate(
    context: StageContext[EvaluateSlice],
    *,
    encoder: Path,
    classifier: Path,
    vocabulary: Path,
    mono: Mapping[str, Path],
    pairs: Mapping[str, Path],
    xnli: Mapping[str, Path],
    launcher: Launcher | None = None,
) -> StageResult:
    """Measure both models in processes of their own.

    Raises:
        DataError: models, shards and vocabulary do not fit each other.
        ToolError: the processes failed without a word.
    """
    config = context.config.evaluate
    job = EvaluateJob(
        evaluate=config,
        stream_tokens=context.config.stream_tokens,
        specials=context.config.specials,
        encoder=encoder,
        classifier=classifier,
        vocabulary=vocabulary,
        mono=dict(mono),
        pairs=dict(pairs),
        xnli=dict(xnli),
        scratch=context.scratch,
        out=context.out,
        logs=context.logs,
    )
    measured = launch_job(
        context,
        job,
        module=_MODULE,
        processes=config.processes,
        threads_per_process=config.threads_per_process,
        timeout_seconds=config.timeout_seconds,
        unit="measurements",
        launcher=launcher,
    )
    results = read_results(context.out)
    counts: dict[str, int | float | str] = {
        name: value for name, value in results.averages.model_dump().items() if value is not None
    }
    english = [found.test for found in results.languages if found.code == ENGLISH and found.test]
    if english:
        counts["english_test"] = english[0].accuracy
    return StageResult(counts=counts, measured=measured)
