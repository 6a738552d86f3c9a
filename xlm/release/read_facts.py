"""Reads the facts of a run from its artifacts: manifests, `run.json`, curves, counts of shards.

    facts = read_facts(inputs, sources=..., data=..., release=..., synthetic=False)

Measured values may be missing if another version wrote them; the card then shows a dash.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from xlm.classification.results.records import Results, read_results
from xlm.config.data.cleaning import DROPPED
from xlm.config.languages.names import Names
from xlm.config.training.classification import FinetuneConfig
from xlm.config.training.pretrain import PretrainConfig
from xlm.config.training.release import OwnSourceFacts, ReleaseConfig, TaskFacts
from xlm.engine.config import Config
from xlm.errors import DataError
from xlm.model.formats.description import read_description
from xlm.release.card.facts import (
    OWN_ROWS,
    CleaningFacts,
    DataFacts,
    MachineFacts,
    RunFacts,
    SourceFacts,
)
from xlm.release.costs import read_costs
from xlm.release.fertility import read_report
from xlm.shards.reader import ShardReader
from xlm.store.manifest import RUN_NAME, Manifest, read_manifest
from xlm.training.launch.job import METRICS_FILE
from xlm.training.records.curves import curves_of, parse_record, trained_objectives

CODES_NAME = "codes"
"""Name of the merges file in the learn-bpe artifact."""

ConfigT = TypeVar("ConfigT", bound=Config)

_MODEL_STAGES = ("pretrain", "finetune", "evaluate")


def read_facts(
    inputs: Mapping[str, Path],
    *,
    sources: Mapping[str, Path],
    data: Mapping[str, Path],
    release: ReleaseConfig,
    synthetic: bool,
    segmenters: Mapping[str, str] | None = None,
    names: Names | None = None,
    cased: bool = False,
    own_sources: Sequence[OwnSourceFacts] = (),
    task: TaskFacts | None = None,
    cleaned: Mapping[str, Path] | None = None,
    citations: Mapping[str, str] | None = None,
) -> RunFacts:
    """Collect the facts that cards and plots show.

    Args:
        inputs: artifact directories by stage: pretrain, finetune, evaluate, learn-bpe, vocabulary;
            without a classifier no finetune.
        sources: artifact directories of the downloads, by unit.
        data: artifact directories of the shards, by language or pair.
        release: name, author and licence of the model.
        synthetic: whether the sample world generated the data.
        segmenters: tool, version and model of the word segmenter, by language.
        names: names of the languages that the profile declares, by code.
        cased: whether text keeps case and accents.
        own_sources: the user's own text and pairs.
        task: the classification task; None without a classifier.
        cleaned: artifact directories of stage clean, by language or pair.
        citations: publications to cite, by unit of the downloads.

    Raises:
        DataError: a file of an artifact is damaged or was written by another version.
        StoreError: an artifact has no readable manifest.
    """
    stages = [stage for stage in _MODEL_STAGES if stage in inputs]
    manifests = {stage: read_manifest(inputs[stage]) for stage in stages}
    results = read_results(inputs["evaluate"])
    files = _own_files(task, results) if task and task.kind == "files" else ()
    description = read_description(inputs["pretrain"])
    curves = curves_of(inputs["pretrain"])
    return RunFacts(
        release=release,
        synthetic=synthetic,
        description=description,
        merges=(inputs["learn-bpe"] / CODES_NAME).read_bytes().count(b"\n"),
        pretrain=_config(PretrainConfig, manifests["pretrain"], "pretrain"),
        trained=trained_objectives(inputs["pretrain"] / METRICS_FILE),
        finetune=(
            _config(FinetuneConfig, manifests["finetune"], "finetune")
            if "finetune" in manifests
            else None
        ),
        kind=task.kind if task else None,
        is_paired=task is None or task.is_paired,
        sources=(
            *(
                facts
                for unit, directory in sources.items()
                for facts in read_sources(unit, directory, (citations or {}).get(unit, ""))
            ),
            *local_sources(own_sources),
            *files,
        ),
        data=tuple(
            _data(unit, directory, description.vocabulary_hash) for unit, directory in data.items()
        ),
        results=results,
        losses=curves.losses,
        perplexities={
            code: curves.perplexities[code]
            for code in description.languages
            if code in curves.perplexities
        },
        counts={stage: manifest.counts for stage, manifest in manifests.items()},
        machines={stage: _machine(inputs[stage]) for stage in stages},
        vocabulary=read_report(inputs["vocabulary"]),
        segmenters=dict(segmenters or {}),
        names=dict(names or {}),
        cased=cased,
        own_text=frozenset(one.unit for one in own_sources if one.is_text),
        cleaning=tuple(read_cleaning(unit, path) for unit, path in (cleaned or {}).items()),
        costs=read_costs(inputs.values()),
        tools=manifests["pretrain"].tools,
        has_foreign_merges=(
            read_manifest(inputs["learn-bpe"]).config.get("source") == "checkpoint"
        ),
        warm_start=str(manifests["pretrain"].config.get("warm_start", "")),
    )


def _config(config: type[ConfigT], manifest: Manifest, section: str) -> ConfigT:
    """Parse the settings of a stage from its manifest."""
    try:
        return config.model_validate(manifest.config[section])
    except (KeyError, ValidationError) as error:
        raise DataError(
            f"the manifest of {manifest.stage} has no readable {section} settings",
            fix=f"rebuild it with --refresh {manifest.stage}",
        ) from error


def _own_files(task: TaskFacts, results: Results) -> tuple[SourceFacts, ...]:
    """The user's labelled files, as one source."""
    name = f"{results.task or ''} (files of the publisher)".strip()
    return (SourceFacts(OWN_ROWS, name, "", task.licence, None),)


def read_sources(unit: str, directory: Path, citation: str = "") -> list[SourceFacts]:
    """The files that one unit of the download stage brought."""
    manifest = read_manifest(directory)
    date = str(run_record(directory).get("finished", ""))[:10]
    kept_bytes, full_bytes = (manifest.counts.get(name, 0) for name in ("bytes", "host_bytes"))
    return [
        SourceFacts(
            unit=unit,
            name=str(source.get("name") or unit),
            url=str(source.get("address", "")),
            licence=str(source.get("licence") or "unknown"),
            size_bytes=source.get("size_bytes"),
            is_head=kept_bytes != full_bytes,
            sha256=str(source.get("sha256") or ""),
            citation=citation,
            date=date,
        )
        for source in manifest.sources
    ]


def local_sources(own: Sequence[OwnSourceFacts]) -> tuple[SourceFacts, ...]:
    """The user's own files that are not downloaded."""
    return tuple(
        SourceFacts(one.unit, one.name, "", one.licence, one.size_bytes)
        for one in own
        if one.size_bytes is not None
    )


def _data(unit: str, directory: Path, vocabulary_hash: str) -> DataFacts:
    counts = ShardReader(directory, "train", vocabulary_hash).counts
    return DataFacts(unit, lines=counts["lines"], tokens=counts["tokens"])


def read_cleaning(unit: str, directory: Path) -> CleaningFacts:
    """What stage clean dropped from a language or pair."""
    counts = read_manifest(directory).counts
    return CleaningFacts(
        unit,
        lines=int(counts["input_lines"]),
        kept=int(counts["kept_lines"]),
        dropped={
            name.removeprefix(DROPPED): int(count)
            for name, count in counts.items()
            if name.startswith(DROPPED)
        },
    )


def run_record(directory: Path) -> dict[str, Any]:
    """The measured values of an artifact; empty without a record."""
    path = directory / RUN_NAME
    try:
        return parse_record(path.read_bytes(), path)
    except FileNotFoundError:
        return {}


def _machine(directory: Path) -> MachineFacts:
    run = run_record(directory)
    return MachineFacts(
        wall_seconds=run.get("wall_seconds"),
        peak_memory_bytes=run.get("peak_memory_bytes"),
        tokens_per_second=run.get("tokens_per_second"),
        system=run.get("system", ""),
        cores=run.get("cores"),
    )
