"""A store with a small lineage, written without running stages.

download[wikipedia.en]  download[wikipedia.sw]  download[own.en], without a recorded sha256
          |                       |                   |
     tokenize[en]            tokenize[sw]             |
          \\                      |                  /
           +------------------- pretrain ------------+
                                  |
                               publish      classifier/model.safetensors
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xlm.store.artifact import Artifact
from xlm.store.keys import artifact_key, ingredients_of
from xlm.store.publication import publish_artifact
from xlm.store.store import ArtifactStore

BUILT = "2026-11-28T17:49:06+00:00"
MODEL = "classifier/model.safetensors"


def add(
    store: ArtifactStore,
    stage: str,
    unit: str = "all",
    *,
    files: Mapping[str, str],
    inputs: Mapping[str, Artifact] | None = None,
    sources: Sequence[Mapping[str, Any]] = (),
    config: Mapping[str, Any] | None = None,
) -> Artifact:
    """Publish an artifact with these files."""
    upstream = inputs or {}
    ingredients = ingredients_of(
        stage=stage,
        unit=unit,
        code_version=3,
        config=dict(config or {}),
        upstream_digests={role: one.manifest.digest for role, one in upstream.items()},
        tools={"sacremoses": "0.2.0"},
    )
    key = artifact_key(ingredients)
    staging = store.open_staging(stage, key)
    for name, content in files.items():
        path = staging.out / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
    names = ("stage", "unit", "key", "digest")
    description = {
        **{name: ingredients[name] for name in ("stage", "unit", "code_version", "config")},
        "key": key,
        "tools": ingredients["tools"],
        "upstream": {
            role: {name: getattr(one.manifest, name) for name in names}
            for role, one in upstream.items()
        },
        "counts": {},
        "sources": list(sources),
        "resolved_config": {},
    }
    measured = {"wall_seconds": 1.0, "cpu_seconds": 1.0, "peak_memory_bytes": 5}
    measured |= {"finished": BUILT, "pipeline_version": "0.1.0"}  # type: ignore[dict-item]
    return publish_artifact(store, staging, description, measured)


def source(url: str, **changes: Any) -> dict[str, Any]:
    """A source as a manifest records it."""
    digest = f"{abs(hash(url)) % 16**12:064x}"
    return {
        "name": "Wikipedia", "address": url, "licence": "CC-BY-SA-4.0", "size_bytes": 1234,
        "sha256": digest, **changes,
    }  # fmt: skip


def small_store(root: Path) -> dict[str, Artifact]:
    """Write the store; returns its artifacts by node."""
    store = ArtifactStore.open(str(root))
    made: dict[str, Artifact] = {}
    for code in ("en", "sw"):
        url = f"https://dumps.wikimedia.org/{code}wiki.xml.bz2"
        made[f"download[wikipedia.{code}]"] = add(
            store, "download", f"wikipedia.{code}",
            files={"dump": f"dump of {code}"}, sources=[source(url)],
        )  # fmt: skip
        made[f"tokenize[{code}]"] = add(
            store, "tokenize", code, files={"text.txt": f"text of {code}"},
            inputs={"text": made[f"download[wikipedia.{code}]"]},
        )  # fmt: skip
    made["download[own.en]"] = add(
        store, "download", "own.en", files={"own.txt": "own text"},
        sources=[source("https://example.org/own.txt", sha256="", licence="")],
    )  # fmt: skip
    made["pretrain"] = add(
        store, "pretrain", files={"model.safetensors": "weights"},
        inputs={
            "data.en": made["tokenize[en]"],
            "data.sw": made["tokenize[sw]"],
            "own": made["download[own.en]"],
        },
        config={"warm_start": f"original {'5' * 64}"},
    )  # fmt: skip
    made["publish"] = add(
        store, "publish",
        files={MODEL: "classifier", "classifier/config.json": "{}", "masked-lm/config.json": "{}"},
        inputs={
            "pretrain": made["pretrain"],
            "source.wikipedia.en": made["download[wikipedia.en]"],
        },
    )  # fmt: skip
    return made
