"""The files of an installed copy of the project."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.repository import REPOSITORY

PACKAGES = ("xlm", "tasks", "flows")
COMPILED = "xlm/bpe/native/"
"""`infra/build_learners.py` compiles these sources, from a checkout."""
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


def _files(root: Path) -> set[str]:
    """The files of our packages, without bytecode."""
    return {
        str(path.relative_to(root))
        for package in PACKAGES
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in a wheel that the build backend makes from a copy of the tree."""
    source = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        shutil.copytree(
            REPOSITORY / package, source / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    dist = source / "dist"
    built = subprocess.run(
        [sys.executable, "-c", BUILD, dist], cwd=source, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (archive,) = dist.glob("*.whl")
    return set(zipfile.ZipFile(archive).namelist())


@pytest.mark.parametrize("package", PACKAGES)
def test_type_checkers_of_users_see_our_annotations(wheel: set[str], package: str) -> None:
    """They ignore the annotations of a package without this marker (PEP 561)."""
    assert f"{package}/py.typed" in wheel


def test_no_file_of_a_package_is_left_out(wheel: set[str]) -> None:
    missing = {name for name in _files(REPOSITORY) - wheel if not name.startswith(COMPILED)}
    assert sorted(missing) == []
