"""Stage pretrain: train the encoder on the shards with CLM, MLM and TLM, in separate processes.

Scratch holds checkpoints, so a killed run can resume. `out` gets only reproducible files:
`model.safetensors`, `config.json`, `mixture.json`, `metrics.jsonl`, `validation.json`, and with
`pretrain.revision_updates` the weights of earlier updates, `revisions/step-N.safetensors`. With
`finetune.encoder`, the stage trains nothing: it copies that encoder.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xlm.config.pipeline import (
    PipelineConfig,
    mono_languages,
    source_of_encoder,
    source_of_weights,
)
from xlm.config.training.model import ModelConfig
from xlm.config.training.pretrain import PretrainConfig, PretrainSlice
from xlm.engine.stage import ALL, Node, Stage, StageContext, StageResult
from xlm.errors import ConfigError
from xlm.model.formats.source_files import identity_of
from xlm.model.warm_start.sizes import require_encoder, require_fitting_source
from xlm.stages.model.launcher import abandon_job, launcher_settings, require_launchable
from xlm.stages.model.shard_inputs import data_inputs, pretraining_nodes
from xlm.stages.units import single_unit
from xlm.store.keys import canonical_json
from xlm.training.checkpoints import newest_update


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    return {"vocabulary": Node("vocabulary", ALL), **pretraining_nodes(config)}


def _slice(config: PipelineConfig, unit: str) -> PretrainSlice:
    if source := source_of_encoder(config):
        return PretrainSlice(
            languages=config.languages,
            model=ModelConfig(),
            pretrain=PretrainConfig(warm_start=str(source)),
            warm_start=identity_of(source),
            copied=True,
        )
    languages, pretrain, identity = tuple(config.languages), config.pretrain, ""
    if source := source_of_weights(config):
        pretrain = pretrain.model_copy(update={"warm_start": str(source)})
        identity = identity_of(source)
    return PretrainSlice(
        languages=languages, model=config.model, pretrain=pretrain, warm_start=identity
    )


def _require(config: PipelineConfig) -> None:
    """Check that there is text for the objectives, and that the warm start fits."""
    if source := source_of_encoder(config):
        require_encoder(source, config.languages)
        return
    require_launchable(config)
    if "tlm" not in config.pretrain.objectives and not mono_languages(config):
        raise ConfigError(
            f"pretrain.objectives {' '.join(config.pretrain.objectives)} needs monolingual text, "
            "but the sources have only pairs",
            fix="set pretrain.objectives=[tlm], or add text to sources",
        )
    if source := source_of_weights(config):
        require_fitting_source(config.model, source)


def _continues(config: PretrainSlice, other: Mapping[str, Any], scratch: Path) -> int | None:
    """The updates of a run that differs only in its number of processes, with `resize`."""
    if not config.pretrain.resize or config.copied:
        return None
    if "pretrain" not in other or _without_size(config.key_fields()) != _without_size(other):
        return None
    return newest_update(scratch / "checkpoints")


def _without_size(fields: Mapping[str, Any]) -> str:
    """The settings of a slice, as JSON, without those of its size."""
    pretrain = {**fields["pretrain"]}
    for name in ("processes", "resize"):
        pretrain.pop(name, None)
    return canonical_json({**fields, "pretrain": pretrain})


def run(context: StageContext[PretrainSlice]) -> StageResult:
    """Pretrain in separate processes; a rerun resumes from the newest checkpoint in scratch.

    Raises:
        DataError: the encoder to copy cannot be read.
        TrainingError: training cannot go on.
        ToolError: a process failed without a report.
    """
    if context.config.copied:
        from xlm.training.copied_encoder import copy_encoder

        copied = copy_encoder(context.config, context.inputs, context.out)
        return StageResult(counts=copied, measured={"process_seconds": 0.0})
    from xlm.training.launch.driver import launch_job
    from xlm.training.launch.job import METRICS_FILE, PretrainJob
    from xlm.training.records.curves import trained_objectives

    config = context.config.pretrain
    job = PretrainJob(
        languages=context.config.languages,
        model=context.config.model,
        pretrain=config,
        warm_start=context.config.warm_start,
        vocabulary=context.inputs["vocabulary"],
        mono=data_inputs(context.inputs, "mono"),
        pairs=data_inputs(context.inputs, "pair"),
        scratch=context.scratch,
        out=context.out,
        logs=context.logs,
    )
    measured = launch_job(
        context,
        job,
        stage="pretrain",
        module="xlm.training.launch.entry",
        processes=config.processes,
        threads_per_process=config.threads_per_process,
        timeout_seconds=config.timeout_seconds,
        save_seconds=config.save_seconds,
        unit="updates",
        uses_gpu=config.device == "cuda",
        checkpoints=("checkpoints/update-*",),
        reads=[Path(config.warm_start)] if config.warm_start else (),
    )
    summary = json.loads((context.out / "validation.json").read_text(encoding="utf-8"))
    counts = {name: summary[name] for name in ("updates", "tokens", "parameters")}
    if summary["best_criterion"] is not None:
        counts["best_validation_perplexity"] = summary["best_criterion"]
    trained = trained_objectives(context.out / METRICS_FILE)
    counts["objectives"] = " ".join(trained)
    if parts := summary.get("processes"):
        counts["processes"] = ", ".join(f"{number} from update {first}" for first, number in parts)
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


PRETRAIN = Stage(
    name="pretrain",
    version=4,
    summary="pretrain the encoder with masked and translation language modeling, or copy one",
    units=single_unit,
    upstream=_upstream,
    slice=_slice,
    run=run,
    settings=launcher_settings,
    abandon=abandon_job,
    continues=_continues,
    require=_require,
    tools=("torch", "numpy"),
)
