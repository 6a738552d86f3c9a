"""The environment that `make setup` creates."""

import subprocess
import sys
from importlib.util import cache_from_source, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import prefect
import pytest

from tests.repository import REPOSITORY

_MOST_WITHOUT = 0.02
"""Templates and files for other versions of Python do not compile."""


def test_installed_packages_are_compiled() -> None:
    """uv compiles nothing by itself; then an import of Prefect takes seconds more."""
    sources = sorted(Path(prefect.__file__).parent.rglob("*.py"))
    missing = [path for path in sources if not Path(cache_from_source(str(path))).exists()]
    assert len(missing) <= _MOST_WITHOUT * len(sources), missing[:5]


@pytest.fixture(scope="module")
def bootstrap() -> ModuleType:
    """The program that makes the environment; importing it does nothing."""
    spec = spec_from_file_location("bootstrap", REPOSITORY / "infra" / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_python_of_an_environment_reports_its_version(
    bootstrap: ModuleType, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", made], check=True)
    python = made / "bin" / "python"
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert bootstrap._version_of(python) == ours

    # The system's Python was upgraded: the link leads to a version that has no packages here.
    (made / "lib" / f"python{ours}").rename(made / "lib" / "python3.0")
    assert bootstrap._version_of(python) == ""

    python.unlink()
    python.symlink_to(tmp_path / "removed")
    assert bootstrap._version_of(python) == ""


def test_an_environment_of_another_python_is_made_again_only_on_request(
    bootstrap: ModuleType,
) -> None:
    """Otherwise `PYTHON=python3.13 .ci/run` would test the version of the existing environment."""
    other = "3.10"
    assert not bootstrap._is_usable(other, wanted="python3.13")
    assert bootstrap._is_usable(other, wanted="")
    assert bootstrap._is_usable(bootstrap.OURS, wanted="python3.13")
    assert not bootstrap._is_usable("", wanted="")


def test_an_environment_without_its_programs_is_mended(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The messages about a missing program say `make setup`, which must then build it."""
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / "stamp")
    programs = [tmp_path / "bin" / name for name in bootstrap.PROGRAMS]
    programs[0].parent.mkdir()
    for path in (bootstrap.STAMP, *programs):
        path.write_text("digest")
    assert bootstrap._is_current("digest")
    assert not bootstrap._is_current("another digest")
    programs[1].unlink()
    assert not bootstrap._is_current("digest")


def test_an_environment_of_an_image_has_no_tools_of_development(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XLM_EXTRAS", raising=False)
    assert bootstrap._ourselves() == f"{REPOSITORY}[test,dev,docs]"
    ours = bootstrap._stamp()
    monkeypatch.setenv("XLM_EXTRAS", "remote,kubernetes")
    assert bootstrap._ourselves() == f"{REPOSITORY}[remote,kubernetes]"
    assert bootstrap._stamp() != ours
    monkeypatch.setenv("XLM_EXTRAS", "")
    assert bootstrap._ourselves() == str(REPOSITORY)
