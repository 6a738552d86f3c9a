"""Fixtures that all tests share."""

import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repository import REPOSITORY
from tests.tiny_world import TinyWorld, build_world

# Under nohup, this process and its children would ignore SIGHUP.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Test processes share the cores, where several torch threads would mostly wait for each other. The
# launcher sets the number for training processes.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Tests share no artifacts with the machines of whoever runs them.
os.environ.pop("XLM_REMOTE", None)


@pytest.fixture(autouse=True)
def _restore_signals() -> Iterator[None]:
    """Restore the signal handlers, which entry points change and later children would inherit."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def _restore_log_level() -> Iterator[None]:
    """Restore the log level, which a text filter changes for its whole process."""
    yield
    logging.getLogger("xlm.text").setLevel(logging.NOTSET)


@pytest.fixture
def open_path(tmp_path: Path) -> Path:
    """A folder that other users can enter, unlike those of pytest."""
    folder = tmp_path
    while "pytest" in str(folder):
        folder.chmod(0o755)
        folder = folder.parent
    return tmp_path


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared data (real mirror, golden files); skips the test if it is missing."""
    folder = Path(os.environ.get("XLM_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "golden").is_dir():
        pytest.skip(f"no shared data in {folder} (set XLM_SHARED)")
    return folder


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> TinyWorld:
    """Shards of three toy languages."""
    return build_world(tmp_path_factory.mktemp("world"))
