"""The build of the programs `fast` and `learn-bpe` during setup."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository import REPOSITORY
from xlm.bpe.learning.learners import find_fastbpe

SCRIPT = REPOSITORY / "infra" / "build_learners.py"


def _build(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """A prefix that contains only a working `fast`."""
    binaries = tmp_path / "prefix" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "fast").symlink_to(find_fastbpe())
    return binaries.parent


@pytest.mark.slow
def test_learn_bpe_is_built_only_if_its_sources_changed(prefix: Path) -> None:
    first = _build("--prefix", prefix)
    assert first.returncode == 0, first.stderr
    assert first.stdout.split("\n")[:2] == [
        f"{prefix}/bin/fast is up to date",
        f"{prefix}/bin/learn-bpe built",
    ]
    again = _build("--prefix", prefix)
    assert again.stdout.endswith("bin/learn-bpe is up to date\n")
    stamp = prefix / "bin" / ".learn-bpe.sha256"
    assert {path.name for path in stamp.parent.iterdir()} == {"fast", "learn-bpe", stamp.name}


def test_an_archive_with_another_digest_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "fastBPE-0.1.0.tar.gz"
    archive.write_bytes(b"something else")
    done = _build("--prefix", tmp_path / "prefix", "--archive", archive)
    assert done.returncode == 1
    assert "not 95eef4be" in done.stderr
    assert not (tmp_path / "prefix").exists()


def test_the_error_of_a_failing_compiler_is_reported(
    prefix: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = tmp_path / "broken-g++"
    compiler.write_text("#!/bin/sh\necho no room left >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    done = _build("--prefix", prefix)
    assert done.returncode == 1
    assert done.stderr.endswith(": no room left\n")
    assert not (prefix / "bin" / "learn-bpe").exists()
