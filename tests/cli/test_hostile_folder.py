"""Commands and worker processes import no files of the current folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile import hostile_folder, imported_from

XLM = Path(sys.executable).with_name("xlm")


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_filters_import_nothing_from_the_current_folder(tmp_path: Path, jobs: str) -> None:
    folder = hostile_folder(tmp_path / "here")
    done = subprocess.run(
        [XLM, "tokenize", "--lang", "sw", "--jobs", jobs],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        input="Habari, dunia!\n" * 5000,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, imported_from(folder)) == (0, []), done.stderr
    assert done.stdout.count("habari , dunia !\n") + done.stdout.count("Habari , dunia !\n") == 5000


@pytest.mark.slow
@pytest.mark.parametrize("command", ["plan", "config"])
def test_commands_import_nothing_from_the_current_folder(tmp_path: Path, command: str) -> None:
    folder = hostile_folder(tmp_path / "here")
    subprocess.run([XLM, command], cwd=folder, capture_output=True, timeout=120, check=True)
    assert imported_from(folder) == []
