"""The small random model of the tests of inference, and files to read."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.inference.small_models import write_models
from xlm.inference.load import load
from xlm.inference.model import Model


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `classifier` and `masked-lm`."""
    folder = tmp_path_factory.mktemp("release")
    write_models(folder)
    return folder


@pytest.fixture(scope="session")
def model(release: Path) -> Model:
    """Both models, loaded."""
    return load(release)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Sequence[str]], Path]:
    """Write lines to a file."""

    def write_lines(lines: Sequence[str]) -> Path:
        path = tmp_path / "lines"
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path

    return write_lines
