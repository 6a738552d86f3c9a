"""Shares of a global batch, and the entry of a training process."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from xlm.errors import DataError
from xlm.launch.failure import raise_failure
from xlm.training import main as entry
from xlm.training.batch import Batch, join_batches
from xlm.training.job import PretrainJob, write_job
from xlm.training.trainer import Interrupted, Trainer


def batch(rows: int, width: int, first_id: int = 100, step: int = 0) -> Batch:
    tokens = np.arange(first_id, first_id + rows * width).reshape(rows, width)
    selected = np.arange(1, rows * width, 2)
    return Batch(
        tokens_BT=tokens,
        languages_BT=np.zeros_like(tokens),
        positions_BT=np.tile(np.arange(width), (rows, 1)),
        real_BT=np.ones_like(tokens, dtype=bool),
        selected_N=selected,
        targets_N=tokens.ravel()[selected],
        step_N=np.full(len(selected), step),
    )


@pytest.mark.parametrize(("rows", "world"), [(6, 1), (6, 2), (5, 2), (5, 3), (2, 4)])
def test_shares_make_up_the_batch(rows: int, world: int) -> None:
    whole = batch(rows, 4)
    shares = [whole.share(rank, world) for rank in range(world)]
    targets = np.concatenate([share.targets_N for share in shares])
    assert sorted(targets.tolist()) == sorted(whole.targets_N.tolist())
    for share in shares:
        assert len(share.tokens_BT) >= 1
        np.testing.assert_array_equal(share.tokens_BT.ravel()[share.selected_N], share.targets_N)


def test_joined_batches_keep_every_target() -> None:
    joined = join_batches([batch(2, 3), batch(3, 5, first_id=200, step=1)])
    assert joined.tokens_BT.shape == (5, 5)
    np.testing.assert_array_equal(joined.tokens_BT.ravel()[joined.selected_N], joined.targets_N)
    assert joined.real_BT is not None
    assert joined.real_tokens == 2 * 3 + 3 * 5
    assert joined.tokens_BT[0].tolist() == [100, 101, 102, 2, 2]
    assert joined.step_N.tolist() == [0] * 3 + [1] * 7


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
