"""A store with recorded runs of a small chain of stages, written without running them.

tokenize[sw] -> pretrain -> evaluate, with the results and predictions of two languages.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.release.artifacts import results
from xlm.classification.results.records import Results, write_results
from xlm.pipeline.request import RunRequest
from xlm.store.artifact import Artifact
from xlm.store.keys import artifact_key, ingredients_of
from xlm.store.publication import publish_artifact
from xlm.store.store import ArtifactStore

LANGUAGES = ("en", "sw")
BEGAN = datetime(2026, 11, 28, 17, 49, tzinfo=UTC)


class RecordedRuns:
    """Writes runs to the store at `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = ArtifactStore.open(str(root))
        self._number = 0

    def add(
        self,
        *overrides: str,
        seed: int = 0,
        profile: str = "mini15",
        right: Mapping[str, Sequence[bool]] | None = None,
        published: Mapping[str, Mapping[str, bytes]] | None = None,
        found: Results | None = None,
        **request: Any,
    ) -> dict[str, Artifact]:
        """Write the record of a run and its artifacts; returns them by stage.

        Args:
            overrides: what the run changed.
            seed: the seed of its pretraining.
            profile: the profile that it ran.
            right: by language, which rows of test are predicted right; no predictions by default.
            found: the results of its evaluation; invented ones by default.
            published: files of the published models, by folder; by default, nothing is published.
        """
        text = self._publish("tokenize", "sw", {}, {}, {"text.txt": "habari\n"})
        metrics = "".join(
            json.dumps({"step": step, "loss": {"mlm": 5.0 / step + seed}}) + "\n"
            for step in (5, 10)
        )
        validations = [{"step": step, "valid_sw_mlm_ppl": 100 / step + seed} for step in (5, 10)]
        trained = self._publish(
            "pretrain",
            "all",
            {"pretrain": {"seed": seed}},
            {"data.sw": text},
            {
                "metrics.jsonl": metrics,
                "validation.json": json.dumps({"validations": validations}),
            },
        )
        files = {
            f"predictions/{code}.test.tsv": predictions(values)
            for code, values in (right or {}).items()
        }
        evaluated = self._publish(
            "evaluate", "all", {}, {"pretrain": trained}, files, counts={"test": 0.7 + seed / 100},
            found=found,
        )  # fmt: skip
        artifacts = {"tokenize": text, "pretrain": trained, "evaluate": evaluated}
        if published is not None:
            artifacts["publish"] = self._publish(
                "publish",
                "all",
                {"seed": seed, "models": sorted(published)},
                {"evaluate": evaluated},
                {
                    f"{folder}/{name}": data
                    for folder, files in published.items()
                    for name, data in files.items()
                },
            )
        self._record(artifacts, seed, RunRequest(profile=profile, overrides=overrides, **request))
        return artifacts

    def _publish(
        self,
        stage: str,
        unit: str,
        config: Mapping[str, Any],
        upstream: Mapping[str, Artifact],
        files: Mapping[str, str | bytes],
        counts: Mapping[str, float] | None = None,
        found: Results | None = None,
    ) -> Artifact:
        ingredients = ingredients_of(
            stage=stage,
            unit=unit,
            code_version=1,
            config=config,
            upstream_digests={role: one.manifest.digest for role, one in upstream.items()},
            tools={},
        )
        key = artifact_key(ingredients)
        if (stored := self.store.find(stage, key)) is not None:
            return stored
        staging = self.store.open_staging(stage, key)
        for name, content in files.items():
            path = staging.out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        if stage == "evaluate":
            write_results(staging.out, found or results(LANGUAGES))
        description = {
            **{name: ingredients[name] for name in ("stage", "unit", "code_version", "config")},
            "key": key,
            "tools": {},
            "upstream": {
                role: {
                    name: getattr(one.manifest, name) for name in ("stage", "unit", "key", "digest")
                }
                for role, one in upstream.items()
            },
            "counts": dict(counts or {}),
            "sources": [],
            "resolved_config": dict(config),
        }
        measured = {"wall_seconds": 61.0, "cpu_seconds": 1.0, "peak_memory_bytes": 5_000_000}
        measured |= {"finished": BEGAN.isoformat()}  # type: ignore[dict-item]
        return publish_artifact(self.store, staging, description, measured)

    def _record(self, artifacts: Mapping[str, Artifact], seed: int, request: RunRequest) -> None:
        self._number += 1
        started = BEGAN + timedelta(days=self._number - 1)
        nodes = [
            {
                "stage": stage,
                "unit": one.manifest.unit,
                "status": "built",
                "key": one.manifest.key,
                "digest": one.manifest.digest,
                "directory": one.directory.relative_to(self.root).as_posix(),
            }
            for stage, one in artifacts.items()
        ]
        record = {
            "started": started.isoformat(),
            "finished": started.isoformat(),
            "state": "finished",
            "selected": len(nodes),
            "request": request.model_dump(mode="json"),
            "config": {"bpe": {"codes": 4000}, "pretrain": {"seed": seed, "objectives": ["mlm"]}},
            "nodes": nodes,
        }
        home = self.root / "runs"
        home.mkdir(exist_ok=True)
        name = f"{self._number:06d}-{started:%Y%m%dT%H%M%S%f}.json"
        (home / name).write_text(json.dumps(record), encoding="utf-8")


def predictions(right: Sequence[bool]) -> str:
    """A file of predictions: all labels are `neutral`."""
    rows = [f"neutral\t{'neutral' if one else 'entailment'}\n" for one in right]
    return "label\tpredicted\n" + "".join(rows)
