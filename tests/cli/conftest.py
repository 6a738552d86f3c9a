"""Inputs of the tests of filters and conversions."""

from pathlib import Path

import pytest

from tests.cli.convertible import CODES, write_source


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with a few BPE merges and a vocabulary."""
    (tmp_path / "codes").write_text("h a 9\nha b 5\nl o</w> 3\n", encoding="utf-8")
    lines = "hab@@ 90\na@@ 50\nlo 9\n! 8\nr@@ 7\ni 6\nha@@ 5\n"
    (tmp_path / "vocab").write_text(lines, encoding="utf-8")
    return tmp_path


@pytest.fixture
def codes(tmp_path: Path) -> Path:
    """The BPE merges of `source`, as a file of the user."""
    path = tmp_path / "given-codes"
    path.write_bytes(CODES)
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A checkpoint in the format of the original."""
    return write_source(tmp_path / "source.pth")
