"""A small random model of 15 languages, and files to read."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.inference.fixtures import model, release, single_model

__all__ = ["model", "release", "single_model", "write"]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Sequence[str]], Path]:
    """Write lines to a file."""

    def write_lines(lines: Sequence[str]) -> Path:
        path = tmp_path / "lines"
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path

    return write_lines
