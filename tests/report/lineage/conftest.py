"""A store with a small lineage."""

from pathlib import Path

import pytest

from tests.report.lineage.small_store import small_store
from xlm.store.artifact import Artifact


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def made(root: Path) -> dict[str, Artifact]:
    return small_store(root)
