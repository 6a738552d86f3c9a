"""The child side of a training job: exit codes, error reports, early stop signals."""

import logging
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from xlm.errors import DataError, RequeueError, TrainingError, XlmError
from xlm.processes.failure import clear_failure, raise_failure, write_failure
from xlm.training.launch import child, entry
from xlm.training.launch.job import PretrainJob, write_job
from xlm.training.launch.stop import Interrupted
from xlm.training.trainer import Trainer


@pytest.fixture
def _isolated(monkeypatch: pytest.MonkeyPatch) -> object:
    """Undo what the entry changes in its process, which is the process of the tests here."""
    monkeypatch.setattr(child, "die_with_parent", lambda: None)
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    threads = torch.get_num_threads()
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("_isolated")
def test_exit_codes_are_done_failed_and_requeue(
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
    assert entry.main([str(path)]) == child.REQUEUE == 75
    with pytest.raises(RequeueError, match="has saved its state"):
        raise_failure(path)
    clear_failure(path)
    write_job(path, job.model_copy(update={"mono": {"sw": tmp_path}}))
    assert entry.main([str(path)]) == child.FAILED
    with pytest.raises(DataError, match="no shards of split 'train'"):
        raise_failure(path)


@pytest.mark.usefixtures("_isolated")
def test_out_of_memory_reports_a_fix(
    make_job: Callable[..., PretrainJob], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "job.json"
    write_job(path, make_job(updates=2))

    def allocate_too_much(self: Trainer) -> None:
        torch.empty(1 << 60, dtype=torch.uint8)

    monkeypatch.setattr(Trainer, "run", allocate_too_much)
    assert entry.main([str(path)]) == child.FAILED
    with pytest.raises(TrainingError, match="out of memory") as failure:
        raise_failure(path)
    assert "micro_batch_tokens" in failure.value.fix

    def fail(self: Trainer) -> None:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(Trainer, "run", fail)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        entry.main([str(path)])


@pytest.mark.usefixtures("_isolated")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_before_the_first_update_requeues(
    make_job: Callable[..., PretrainJob],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    """The signal may arrive twice: Slurm signals every process, and torchrun forwards it."""

    def signal_again(path: Path, error: XlmError) -> None:
        signal.raise_signal(number)
        write_failure(path, error)

    path = tmp_path / "job.json"
    write_job(path, make_job(updates=2))
    monkeypatch.setattr(Trainer, "__init__", lambda *_: signal.raise_signal(number))
    monkeypatch.setattr(child, "write_failure", signal_again)
    assert entry.main([str(path)]) == child.REQUEUE
    with pytest.raises(RequeueError, match="has saved its state"):
        raise_failure(path)
