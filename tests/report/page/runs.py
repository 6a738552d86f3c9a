"""Runs with artifacts like those of the stages, written without running them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.release.artifacts import results, write_manifest
from xlm.classification.results.records import Results, Scores, write_results
from xlm.pipeline.request import RunRequest
from xlm.pipeline.run_record import last_run
from xlm.store.store import ArtifactStore

STAGES = ("download", "tokenize", "vocabulary", "shard", "pretrain", "finetune", "evaluate")
HOSTILE = "<script>alert(1)</script>&\"'"
"""A name that a user may choose."""
SECRET = "hunter2"
LANGUAGES = ("en", "sw")
_INPUTS = {
    "tokenize": ("download",),
    "vocabulary": ("tokenize",),
    "shard": ("tokenize", "vocabulary"),
    "pretrain": ("shard", "vocabulary"),
    "finetune": ("pretrain", "shard"),
    "evaluate": ("finetune", "pretrain", "shard"),
}


def results_of_task(labels: Sequence[str] = ("contradiction", "neutral", "entailment")) -> Results:
    """Invented results with confusion matrices and a row of the paper."""
    size = len(labels)
    counts = tuple(
        tuple(7 if row == column else 2 for column in range(size)) for row in range(size)
    )
    scores = Scores(
        accuracy=0.7, right=7 * size, total=10 * size, low=0.6, high=0.8, confusion=counts
    )
    rows = [row.model_copy(update={"test": scores}) for row in results(LANGUAGES).languages]
    return results(LANGUAGES).model_copy(
        update={
            "labels": tuple(labels),
            "languages": tuple(rows),
            "published_row": {"zero-shot, XLM MLM+TLM": {"en": 0.85, "sw": 0.684}},
        }
    )


def write_run(
    root: Path,
    stages: Sequence[str] = STAGES,
    *,
    inputs: Sequence[str] = (),
    found: Results | None = None,
    **record: Any,
) -> tuple[ArtifactStore, dict[str, Any]]:
    """Write the record of a run and its artifacts.

    Args:
        root: of the store.
        stages: stages of the run.
        inputs: stages that are in the store, but not in the record.
        found: the results of its evaluation.
        record: further fields of the record.
    """
    store = ArtifactStore.open(str(root))
    nodes = []
    for number, stage in enumerate([*inputs, *stages]):
        for unit in LANGUAGES if stage in ("download", "tokenize", "shard") else ("all",):
            key = f"{number:02x}{LANGUAGES.index(unit) if unit in LANGUAGES else 9:02x}".ljust(
                24, "0"
            )
            directory = root / "artifacts" / stage / key
            directory.mkdir(parents=True)
            _write_artifact(directory, stage, unit, key, found or results_of_task())
            if stage in stages:
                status = "cached" if stage == "download" else "built"
                node = {"stage": stage, "unit": unit, "status": status}
                nodes.append(node | {"directory": directory.relative_to(root).as_posix()})
    described = {
        "started": "2026-11-28T17:49:00+00:00",
        "finished": "2026-11-28T17:59:00+00:00",
        "seconds": 600.0,
        "state": "finished",
        "selected": len(nodes),
        "request": RunRequest(profile="mini15", name="base").model_dump(mode="json"),
        "config": {"languages": list(LANGUAGES), "bpe": {"codes": 4000}},
        "nodes": nodes,
    }
    (root / "runs").mkdir(exist_ok=True)
    path = root / "runs" / "000001-20261128T174900000000.json"
    path.write_text(json.dumps(described | record), encoding="utf-8")
    return store, last_run(root)


def _write_artifact(directory: Path, stage: str, unit: str, key: str, found: Results) -> None:
    counts: Mapping[str, Any] = {}
    sources: list[Mapping[str, Any]] = []
    config: Mapping[str, Any] = {}
    if stage == "download":
        counts = {"bytes": 2_000_000, "host_bytes": 2_000_000}
        url = f"https://user:{SECRET}@host/{unit}.bz2?token={SECRET}"
        name = f"Wikipedia {HOSTILE}"
        sources = [
            {"name": name, "address": url, "licence": "CC-BY-SA-4.0", "size_bytes": 2_000_000}
        ]
    elif stage == "shard":
        counts = {"train_lines": 900, "train_tokens": 20_000, "test_lines": 9, "test_tokens": 200}
    elif stage == "vocabulary":
        share = {"words": 10, "tokens": 15, "fertility": 1.5, "unknown_rate": 0.1}
        report = {code: share | {"vocabulary_share": 0.25} for code in LANGUAGES}
        (directory / "report.json").write_text(json.dumps(report))
    elif stage == "pretrain":
        _write_training(directory)
        counts = {"best_validation_perplexity": 12.5}
    elif stage == "finetune":
        config = {"finetune": {"seed": 5}}
        rows = [{"step": step, "loss": 1.0, "english_dev": 0.5} for step in (10, 20)]
        attempts = [{"restart": 0, "english_dev": 0.5, "collapsed": False, "evaluations": rows}]
        record = {"selected_by": "english", "kept_restart": 0, "attempts": attempts}
        (directory / "attempts.json").write_text(json.dumps(record))
    elif stage == "evaluate":
        write_results(directory, found)
        counts = {"test": 0.7}
    measured = {"wall_seconds": 61.0, "cpu_seconds": 90.0, "peak_memory_bytes": 5_000_000}
    measured |= {"finished": "2026-11-28T17:52:00+00:00"}  # type: ignore[dict-item]
    (directory / "run.json").write_text(json.dumps(measured))
    write_manifest(directory, stage, unit=unit, config=config, counts=counts, sources=sources)
    _add_inputs(directory, stage, key)


def _add_inputs(directory: Path, stage: str, key: str) -> None:
    """Name the artifacts of earlier stages in the manifest."""
    path = directory / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["key"] = key
    for used in _INPUTS.get(stage, ()):
        for one in sorted((directory.parent.parent / used).glob("*")):
            found = json.loads((one / "manifest.json").read_text())
            described = {name: found[name] for name in ("stage", "unit", "key", "digest")}
            manifest["upstream"][f"{used}.{found['unit']}"] = described
    path.write_text(json.dumps(manifest))


def _write_training(directory: Path) -> None:
    lines = [
        json.dumps({"step": step, "loss": {"mlm": 50 / step}, "learning_rate": 1e-4}) + "\n"
        for step in (10, 20, 30)
    ]
    (directory / "metrics.jsonl").write_text("".join(lines))
    validations = [
        {"step": step, **{f"valid_{code}_mlm_ppl": 1000 / step for code in LANGUAGES}}
        for step in (10, 20, 30)
    ]
    (directory / "validation.json").write_text(json.dumps({"validations": validations}))
    row = {"lines": 900, "tokens": 20_000, "probability": 0.5, "updates": 15.0}
    row |= {"batch_tokens": 4000.0, "repetitions": 0.2}
    mixture = [{"step": f"{code} mlm", **row} for code in LANGUAGES]
    (directory / "mixture.json").write_text(json.dumps(mixture))
