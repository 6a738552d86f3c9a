"""A small random model of 15 languages."""

from pathlib import Path

import pytest

from tests.inference.small_models import write_models
from xlm.inference.load import load
from xlm.inference.model import Model


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `classifier` and `masked-lm` that transformers wrote."""
    folder = tmp_path_factory.mktemp("release")
    write_models(folder)
    return folder


@pytest.fixture(scope="session")
def model(release: Path) -> Model:
    """Both models, loaded."""
    return load(release)
