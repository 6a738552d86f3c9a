"""A model is named by its path, or by the key of its artifact."""

from pathlib import Path

import pytest

from tests.release.artifacts import write_manifest
from xlm.cli.inference.model_path import find_model_path
from xlm.errors import ConfigError, StoreError


@pytest.fixture
def artifact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An artifact in the store of the environment."""
    folder = tmp_path / "root" / "artifacts" / "publish" / ("0" * 24)
    folder.mkdir(parents=True)
    write_manifest(folder, "publish")
    monkeypatch.setenv("XLM_ROOT", str(tmp_path / "root"))
    monkeypatch.chdir(tmp_path)
    return folder


def test_a_key_or_its_start_names_an_artifact(artifact: Path) -> None:
    for name in ("0" * 24, "0000", "publish/00000"):
        assert find_model_path(name).samefile(artifact)
    with pytest.raises(StoreError, match="no artifact with the key 'abcd'"):
        find_model_path("abcd")


def test_a_path_comes_first(artifact: Path) -> None:
    (artifact.parents[3] / "0000").mkdir()
    assert find_model_path("0000") == Path("0000")
    assert find_model_path("absent") == Path("absent")
    assert find_model_path("~/x") == Path.home() / "x"


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="MODEL is empty"):
        find_model_path(name)
