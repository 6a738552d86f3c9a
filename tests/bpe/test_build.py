"""The set-up's build of the `fast` program."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "infra" / "build_fastbpe.py"


def _build(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_a_working_program_is_not_built_again() -> None:
    done = _build()
    assert done.returncode == 0
    assert done.stdout.endswith("bin/fast is there\n")


def test_another_archive_is_refused_and_nothing_is_installed(tmp_path: Path) -> None:
    archive = tmp_path / "fastBPE-0.1.0.tar.gz"
    archive.write_bytes(b"something else")
    done = _build("--prefix", tmp_path / "prefix", "--archive", archive)
    assert done.returncode == 1
    assert "not 95eef4be" in done.stderr
    assert not (tmp_path / "prefix").exists()
