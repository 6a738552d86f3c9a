"""A store, and a function that publishes small artifacts in it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from xlm.store.artifact import Artifact
from xlm.store.publication import publish_artifact
from xlm.store.store import ArtifactStore

Publish = Callable[..., Artifact]


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore.open(str(tmp_path / "data"))


@pytest.fixture
def publish(store: ArtifactStore) -> Publish:
    def publish_files(
        files: dict[str, str],
        *,
        key: str = "k" * 24,
        measured: dict[str, object] | None = None,
        volatile: tuple[str, ...] = (),
        counts: dict[str, object] | None = None,
    ) -> Artifact:
        staging = store.open_staging("tokenize", key)
        for name, text in files.items():
            path = staging.out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        description = {
            "stage": "tokenize",
            "unit": "sw",
            "key": key,
            "code_version": 1,
            "config": {"language": "sw"},
            "upstream": {},
            "tools": {},
            "counts": counts or {"lines": 2},
            "sources": [],
            "resolved_config": {},
        }
        return publish_artifact(
            store, staging, description, measured or {"wall_seconds": 1.0}, volatile
        )

    return publish_files
