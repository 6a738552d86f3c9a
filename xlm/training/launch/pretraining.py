"""Pretraining as the stage sees it: its job, its processes, what it counted.

No torch here: this runs in the driver.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from xlm.config.training.pretrain import PretrainSlice
from xlm.engine.stage import StageContext, StageResult
from xlm.training.launch.driver import launch_job
from xlm.training.launch.job import METRICS_FILE, PretrainJob
from xlm.training.launch.launcher import Launcher
from xlm.training.monitoring.trained import trained_objectives

_MODULE = "xlm.training.launch.entry"


def pretrain(
    context: StageContext[PretrainSlice],
    *,
    vocabulary: Path,
    mono: Mapping[str, Path],
    pairs: Mapping[str, Path],
    launcher: Launcher | None = None,
) -> StageResult:
    """Train in processes of their own; a rerun goes on from the newest checkpoint in scratch.

    Raises:
        TrainingError: the run cannot go on.
        ToolError: the processes failed without a word.
    """
    config = context.config.pretrain
    job = PretrainJob(
        languages=context.config.languages,
        model=context.config.model,
        pretrain=config,
        warm_start=context.config.warm_start,
        vocabulary=vocabulary,
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
        processes=config.processes,
        threads_per_process=config.threads_per_process,
        timeout_seconds=config.timeout_seconds,
        save_seconds=config.save_seconds,
        unit="updates",
        launcher=launcher,
    )
    summary = json.loads((context.out / "validation.json").read_text(encoding="utf-8"))
    counts = {name: summary[name] for name in ("updates", "tokens", "parameters")}
    if summary["best_criterion"] is not None:
        counts["best_validation_perplexity"] = summary["best_criterion"]
    trained = trained_objectives(context.out / METRICS_FILE)
    counts["objectives"] = " ".join(trained)
    return StageResult(
        counts=counts,
        measured=measured,
        warnings=[
            f"{objective.upper()} is configured, but no update trained it: there are no training "
            f"{'pairs' if objective == 'tlm' else 'lines'} for it, or the run is too short"
            for objective in config.objectives
            if objective not in trained
        ],
    )
