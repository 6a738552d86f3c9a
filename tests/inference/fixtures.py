"""A small random model of 15 languages."""

import json
import shutil
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


@pytest.fixture(scope="session")
def single_model(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The classifier, as if its rows had one sentence."""
    folder = tmp_path_factory.mktemp("single") / "classifier"
    shutil.copytree(release / "classifier", folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    names = ("bad", "neutral", "good")
    config |= {"sentences": 1, "id2label": {str(id): name for id, name in enumerate(names)}}
    config["label2id"] = {name: id for id, name in enumerate(names)}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return load(folder)
