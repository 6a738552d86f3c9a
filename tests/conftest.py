"""Fixtures that all tests share."""

import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repository import REPOSITORY
from tests.tiny_world import TinyWorld, build_world

# Programs started by nohup ignore SIGHUP, and so would all that the tests start.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# The test processes share the cores: two torch threads in each wait for each other longer than they
# compute. Training processes get their number from the launcher, whatever stands here.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def _signals_stay_as_they_were() -> Iterator[None]:
    """Entries of processes take requests to stop, or ignore them: so would all later children."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def _warnings_stay_on() -> Iterator[None]:
    """A filter silences its chain for the rest of its process, which here is that of the tests."""
    yield
    logging.getLogger("xlm.text").setLevel(logging.NOTSET)


@pytest.fixture
def open_path(tmp_path: Path) -> Path:
    """A folder that other users can enter; those of pytest are for their owner alone."""
    folder = tmp_path
    while "pytest" in str(folder):
        folder.chmod(0o755)
        folder = folder.parent
    return tmp_path


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared data (real mirror, golden files); skips where it is absent."""
    folder = Path(os.environ.get("XLM_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "golden").is_dir():
        pytest.skip(f"no shared data in {folder} (set XLM_SHARED)")
    return folder


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> TinyWorld:
    """Shards of three languages."""
    return build_world(tmp_path_factory.mktemp("world"))
