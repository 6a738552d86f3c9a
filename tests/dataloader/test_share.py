"""Shares of a global batch, and batches joined into one."""

import numpy as np
import pytest

from xlm.dataloader.batch import Batch, Selected, join_batches


def batch(rows: int, width: int, first_id: int = 100, step: int = 0) -> Batch:
    tokens = np.arange(first_id, first_id + rows * width).reshape(rows, width)
    cells = np.arange(1, rows * width, 2)
    return Batch(
        tokens_BT=tokens,
        languages_BT=np.zeros_like(tokens),
        positions_BT=np.tile(np.arange(width), (rows, 1)),
        real_BT=np.ones_like(tokens, dtype=bool),
        step_B=np.full(rows, step),
        predicted=Selected(cells, tokens.ravel()[cells]),
    )


def selected(one: Batch) -> Selected:
    assert isinstance(one.predicted, Selected)
    return one.predicted


@pytest.mark.parametrize(("rows", "world"), [(6, 1), (6, 2), (5, 2), (5, 3), (2, 4)])
def test_shares_make_up_the_batch(rows: int, world: int) -> None:
    whole = batch(rows, 4)
    shares = [whole.share(rank, world) for rank in range(world)]
    targets = np.concatenate([selected(share).targets_N for share in shares])
    assert sorted(targets.tolist()) == sorted(selected(whole).targets_N.tolist())
    for share in shares:
        assert len(share.tokens_BT) >= 1
        np.testing.assert_array_equal(
            share.tokens_BT.ravel()[selected(share).cells_N], selected(share).targets_N
        )


def test_joined_batches_keep_every_target() -> None:
    joined = join_batches([batch(2, 3), batch(3, 5, first_id=200, step=1)])
    assert joined.tokens_BT.shape == (5, 5)
    np.testing.assert_array_equal(
        joined.tokens_BT.ravel()[selected(joined).cells_N], selected(joined).targets_N
    )
    assert joined.real_BT is not None
    assert joined.real_tokens == 2 * 3 + 3 * 5
    assert joined.tokens_BT[0].tolist() == [100, 101, 102, 2, 2]
    assert joined.step_B.tolist() == [0] * 2 + [1] * 3
