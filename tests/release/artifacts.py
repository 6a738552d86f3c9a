"""Small artifacts like those of the stages before publish, written without training."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.tiny_world import LANGUAGES, TinyWorld, tiny_model, tiny_pretraining
from xlm.bpe.vocabulary import load_vocabulary
from xlm.classification.results.records import (
    LanguageResults,
    Results,
    Retrieval,
    Scores,
    averages,
    write_results,
)
from xlm.classification.selection.records import Selection, write_selection
from xlm.config.training.classification import FinetuneConfig
from xlm.model.classifier import Classifier
from xlm.model.encoder import Encoder
from xlm.model.formats.description import ModelDescription
from xlm.model.formats.ours import (
    load_encoder,
    save_classifier,
    save_encoder,
    save_encoder_weights,
)
from xlm.model.initialise import initialise
from xlm.shards.footers import read_footer
from xlm.shards.schema import COUNTS
from xlm.store.manifest import Manifest, content_digest, describe_files

CELL = "finetune.en.lr5e-06.b8.s0"
"""Role of the one cell of the sweep."""


@dataclass(frozen=True)
class Artifacts:
    """Directories by role, as the stage receives them."""

    inputs: dict[str, Path]


def build_artifacts(root: Path, world: TinyWorld, *, causal: bool = False) -> Artifacts:
    """Write the artifacts of the model stages, merges and two downloads; shards are `world`'s."""
    vocabulary = load_vocabulary(world.vocabulary)
    encoder = Encoder(
        ModelDescription(
            model=tiny_model(),
            languages=LANGUAGES,
            vocabulary_size=vocabulary.size,
            vocabulary_hash=vocabulary.hash,
            causal=causal,
        )
    )
    initialise(encoder, seed=1)
    inputs = {"vocabulary": world.vocabulary}
    for stage in ("pretrain", CELL, "select", "evaluate", "learn-bpe"):
        inputs[stage] = root / stage
        inputs[stage].mkdir(parents=True)
    _pretrain(inputs["pretrain"], encoder)
    classifier = Classifier(encoder)
    classifier.initialise(seed=2)
    finetune = {"finetune": FinetuneConfig(updates=7).key_fields()}
    write_manifest(inputs[CELL], "finetune", config=finetune, counts={"updates": 7})
    save_classifier(inputs["select"], classifier)
    unit = CELL.removeprefix("finetune.")
    selection = Selection(published=unit, selected_by="training", cells=(), choices=())
    write_selection(inputs["select"], selection)
    write_manifest(inputs["select"], "select")
    write_results(inputs["evaluate"], results(LANGUAGES))
    write_manifest(inputs["evaluate"], "evaluate")
    (inputs["learn-bpe"] / "codes").write_text("e n 3\nen 1</w> 2\n", encoding="utf-8")
    write_manifest(inputs["learn-bpe"], "learn-bpe")
    for unit, licence in (("wikipedia.en", "CC-BY-SA-4.0"), ("xnli", "CC-BY-NC-4.0")):
        directory = inputs[f"source.{unit}"] = root / unit
        directory.mkdir()
        source = {"name": f"{unit} title", "address": f"https://host/{unit}", "licence": licence}
        source |= {"sha256": "cd" * 32}
        write_manifest(directory, "download", unit=unit, sources=[{**source, "size_bytes": 10}])
    shards = {**world.mono, **world.pairs}
    inputs |= {f"data.{unit}": directory for unit, directory in shards.items()}
    inputs |= {f"labelled.xnli.{code}": directory for code, directory in world.xnli.items()}
    for role, directory in inputs.items():
        prefix, _, unit = role.partition(".")
        if prefix in ("data", "labelled"):
            write_manifest(directory, "shard", unit=unit, counts=_sizes(directory))
    return Artifacts(inputs)


def add_revision(artifacts: Artifacts, update: int) -> Encoder:
    """Add weights of an earlier update to the pretrain artifact; returns their encoder."""
    pretrained = artifacts.inputs["pretrain"]
    encoder = load_encoder(pretrained)
    initialise(encoder, seed=1000 + update)
    folder = pretrained / "revisions"
    folder.mkdir(exist_ok=True)
    save_encoder_weights(folder / f"step-{update}.safetensors", encoder)
    return encoder


def _sizes(directory: Path) -> dict[str, int]:
    """The counts of stage shard."""
    counts = {}
    for path in sorted(directory.glob("*.parquet")):
        metadata = read_footer(path).metadata
        split = path.name.split(".")[0]
        counts |= {f"{split}_{name}": int(metadata[name]) for name in COUNTS}
    return counts


def _pretrain(directory: Path, encoder: Encoder) -> None:
    save_encoder(directory, encoder)
    causal = encoder.description.causal
    first = "clm" if causal else "mlm"
    losses = {first: 5.0} if causal else {first: 5.0, "tlm": 4.0}
    metrics = [
        {"step": step, "loss": {name: loss / step for name, loss in losses.items()}}
        for step in (5, 10)
    ]
    lines = "".join(json.dumps(record) + "\n" for record in metrics)
    (directory / "metrics.jsonl").write_text(lines, encoding="utf-8")
    validations = [
        {"step": step, **{f"valid_{code}_{first}_ppl": 100 / step for code in LANGUAGES}}
        for step in (5, 10)
    ]
    (directory / "validation.json").write_text(json.dumps({"validations": validations}))
    run = {
        "wall_seconds": 61.0,
        "cpu_seconds": 7200.0,
        "peak_memory_bytes": 5_000_000,
        "tokens_per_second": 900.4,
    }
    (directory / "run.json").write_text(json.dumps({**run, "system": "Linux", "cores": 2}))
    config = {"pretrain": tiny_pretraining(objectives=tuple(losses)).key_fields()}
    write_manifest(directory, "pretrain", config=config, counts={"updates": 10, "tokens": 1000})


def write_manifest(
    directory: Path,
    stage: str,
    *,
    unit: str = "all",
    config: Mapping[str, Any] | None = None,
    counts: Mapping[str, int] | None = None,
    sources: Sequence[Mapping[str, Any]] = (),
    resolved_config: Mapping[str, Any] | None = None,
) -> None:
    """Write the manifest of a directory as the store does."""
    files, volatile = describe_files(directory, ())
    manifest = Manifest(
        stage=stage,
        unit=unit,
        key="0" * 16,
        digest=content_digest(files),
        code_version=1,
        config=dict(config or {}),
        upstream={},
        tools={},
        files=files,
        volatile=volatile,
        counts=dict(counts or {}),
        sources=[dict(source) for source in sources],
        resolved_config=dict(resolved_config or {}),
    )
    (directory / "manifest.json").write_text(manifest.model_dump_json(), encoding="utf-8")


def results(codes: Sequence[str]) -> Results:
    """Invented results; test accuracy increases by one point from language to language."""
    rows = [
        LanguageResults(
            code=code,
            dev=Scores(accuracy=0.7, right=70, total=100, low=0.65, high=0.75),
            test=Scores(
                accuracy=0.69 + number / 100, right=69 + number, total=100, low=0.65, high=0.75
            ),
            majority=1 / 3,
            bag_of_words=0.41,
            paper=0.75,
            perplexity=12.5 + number,
            pair_perplexity=None if code == "en" else 8.0,
            retrieval=None if code == "en" else _RETRIEVAL,
        )
        for number, code in enumerate(codes)
    ]
    return Results(
        languages=tuple(rows),
        averages=averages(rows),
        confidence=0.95,
        selected_by="english",
        published_row={},
        method={"intervals": "Wilson"},
    )


_RETRIEVAL = Retrieval(
    pairs=50,
    raw_from_english=0.5,
    raw_to_english=0.6,
    centred_from_english=0.7,
    centred_to_english=0.8,
)
