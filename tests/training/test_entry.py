"""The entry of a training process."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from xlm.errors import DataError
from xlm.launch.failure import raise_failure
from xlm.training import main as entry
from xlm.training.job import PretrainJob, write_job
from xlm.training.trainer import Interrupted, Trainer


@pytest.fixture
def _careful(monkeypatch: pytest.MonkeyPatch) -> object:
    """The entry changes its process: keep that away from the tests' process."""
    monkeypatch.setattr(entry, "die_with_parent", lambda: None)
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    threads = torch.get_num_threads()
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("_careful")
def test_exit_codes_tell_done_failed_and_requeue(
    make_job: Callable[..., PretrainJob], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "job.json"
    job = make_job(updates=2)
    write_job(path, job)
    monkeypatch.setattr(Trainer, "run", lambda self: None)
    assert entry.main([str(path)]) == 0

    def interrupted(self: Trainer) -> None:
        raise Interrupted

    monkeypatch.setattr(Trainer, "run", interrupted)
    assert entry.main([str(path)]) == entry.REQUEUE
    write_job(path, job.model_copy(update={"mono": {"sw": tmp_path}}))
    assert entry.main([str(path)]) == entry.FAILED
    with pytest.raises(DataError, match="no shards of split 'train'"):
        raise_failure(path)
