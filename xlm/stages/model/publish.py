"""Stage publish: write the trained model as Hugging Face folders with cards and plots.

`out/masked-lm` and, with a classification task, `out/classifier` contain weights, configuration,
tokenizer, plots, the model card `README.md` and the data card `DATA.md`. The cards contain measured
values (times, hardware, dates), so the digest excludes them. If pretraining kept earlier weights,
`out/revisions/step-N` has the language model after N updates, with a card without measured values.
"""

from collections.abc import Mapping
from pathlib import Path

from xlm.config.data.downloads import spec_of
from xlm.config.data.tasks import FilesTask, Task
from xlm.config.languages.segmenters import DEFAULT_SEGMENTERS, split_spec
from xlm.config.pipeline import PipelineConfig
from xlm.config.training.release import (
    CLASSIFIER_FOLDER,
    MASKED_LM_FOLDER,
    PublishSlice,
    TaskFacts,
)
from xlm.engine.stage import ALL, Node, Stage, StageContext, StageResult
from xlm.stages.data.corpus_text import cleaned_units
from xlm.stages.data.own_parts import own_sources
from xlm.stages.model.select import FINETUNE_ROLE, cell_inputs, cell_nodes
from xlm.stages.model.shard_inputs import data_inputs, data_nodes
from xlm.stages.units import require_training_rows, single_unit, task_units
from xlm.text.segmenters.registry import segmenter_identity

SOURCE_ROLE = "source."
"""Prefix of the input roles of downloads: `source.wikipedia.sw`."""
LABELLED_ROLE = "labelled."
"""Prefix of the input roles of labelled rows, whose counts are on the cards: `labelled.xnli.sw`."""
CLEANED_ROLE = "cleaned."
"""Prefix of the input roles of clean text, whose counts are on the cards: `cleaned.sw`."""


def _slice(config: PipelineConfig, unit: str) -> PublishSlice:
    specs = {
        language: spec
        for language, spec in sorted(config.text.segmenters.items())
        if language in config.languages
    }
    names = {language: split_spec(spec)[0] for language, spec in specs.items()}
    return PublishSlice(
        release=config.release,
        synthetic=config.sample is not None,
        task=_task_facts(config.classify) if config.classify else None,
        cased=config.text.cased,
        own_sources=own_sources(config),
        segmenter_names={
            language: name
            for language, name in sorted(names.items())
            if name != DEFAULT_SEGMENTERS.get(language)
        },
        moses_languages={
            language: config.table[language].moses
            for language in config.languages
            if config.table[language].moses != language
        },
        names={
            one.code: one.name
            for one in config.declared_languages
            if one.name and one.code in config.languages
        },
        segmenters={language: segmenter_identity(spec) for language, spec in specs.items()},
        citations=_citations(config),
    )


def _citations(config: PipelineConfig) -> dict[str, str]:
    """The publications to cite by download, of those that have one."""
    from xlm.corpus.sources.resolve import citation_of
    from xlm.stages.data.download import DOWNLOAD

    found = {
        unit: citation_of(spec_of(config.sources, unit, config.table))
        for unit in DOWNLOAD.units(config)
    }
    return {unit: citation for unit, citation in sorted(found.items()) if citation}


def _task_facts(task: Task) -> TaskFacts:
    licence = task.licence if isinstance(task, FilesTask) else ""
    return TaskFacts(kind=task.task, is_paired=task.is_paired, licence=licence)


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    from xlm.stages.data.download import DOWNLOAD

    select = ("select",) if config.classify else ()
    stages = ("evaluate", *select, "pretrain", "learn-bpe", "vocabulary")
    nodes = {stage: Node(stage, ALL) for stage in stages} | cell_nodes(config)
    nodes |= {
        f"{SOURCE_ROLE}{source}": Node("download", source) for source in DOWNLOAD.units(config)
    }
    nodes |= {f"{LABELLED_ROLE}{unit}": Node("shard", unit) for unit in task_units(config)}
    nodes |= {f"{CLEANED_ROLE}{name}": Node("clean", name) for name in cleaned_units(config)}
    return nodes | data_nodes(config, "mono", "pair")


def run(context: StageContext[PublishSlice]) -> StageResult:
    """Write the folders; the counts are parameters, bytes of weights and vocabulary size."""
    from xlm.classification.selection.records import read_selection
    from xlm.release.publish import publish

    selected = context.inputs.get("select")
    cells = cell_inputs(context.inputs)
    return publish(
        context,
        finetuned=cells[read_selection(selected).published] if selected else None,
        sources=_inputs(context.inputs, SOURCE_ROLE),
        data={**data_inputs(context.inputs, "mono"), **data_inputs(context.inputs, "pair")},
        labelled=_inputs(context.inputs, LABELLED_ROLE),
        cleaned=_inputs(context.inputs, CLEANED_ROLE),
    )


def _inputs(inputs: Mapping[str, Path], prefix: str) -> dict[str, Path]:
    return {
        role.removeprefix(prefix): path
        for role, path in sorted(inputs.items())
        if role.startswith(prefix)
    }


PUBLISH = Stage(
    name="publish",
    version=8,
    summary="write Hugging Face folders with model cards and plots",
    units=single_unit,
    upstream=_upstream,
    slice=_slice,
    run=run,
    reads_manifest_only=lambda role: role.startswith(
        (SOURCE_ROLE, LABELLED_ROLE, CLEANED_ROLE, FINETUNE_ROLE)
    ),
    require=require_training_rows,
    tools=("safetensors", "matplotlib"),
    volatile=tuple(
        f"{folder}/{card}"
        for folder in (CLASSIFIER_FOLDER, MASKED_LM_FOLDER)
        for card in ("DATA.md", "README.md")
    ),
)
