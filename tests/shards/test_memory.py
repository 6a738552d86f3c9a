"""Memory does not grow with the corpus."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository import REPOSITORY

pytestmark = pytest.mark.slow


def _peak_bytes(folder: Path, blocks: int, kind: str) -> int:
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "tests/shards/memory.py", str(folder), str(blocks), kind],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


@pytest.mark.parametrize("kind", ["mono", "pair"])
def test_sixty_million_tokens_need_the_memory_of_six_million(tmp_path: Path, kind: str) -> None:
    """The ids have 240 MB; 0.6 million pairs take 12 bytes each."""
    small, large = (_peak_bytes(tmp_path / str(n), n, kind) for n in (6, 60))
    assert large - small < 30_000_000
