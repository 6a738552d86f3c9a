"""Shares of a global batch, and rows joined into one batch."""

import numpy as np
import pytest

from xlm.dataloader.batch import Batch, Targets
from xlm.dataloader.collate import join
from xlm.dataloader.masking.host import MaskedTokens
from xlm.dataloader.sequences import Sequences

Rows = tuple[Sequences, MaskedTokens[np.ndarray]]


def rows_of(rows: int, width: int, first_id: int = 100) -> Rows:
    tokens = np.arange(first_id, first_id + rows * width).reshape(rows, width)
    selected = np.arange(1, rows * width, 2)
    sequences = Sequences(
        tokens_BT=tokens,
        languages_BT=np.zeros_like(tokens),
        positions_BT=np.tile(np.arange(width), (rows, 1)),
        attention_mask_BT=np.ones_like(tokens, dtype=bool),
    )
    return sequences, MaskedTokens(tokens, selected, tokens.ravel()[selected])


def joined(*parts: Rows) -> Batch:
    sequences, masked = zip(*parts, strict=True)
    task_B = np.repeat(np.arange(len(parts)), [len(part) for part in sequences])
    return join(sequences, masked, task_B)


def selected(one: Batch) -> Targets:
    assert isinstance(one.predicted, Targets)
    return one.predicted


@pytest.mark.parametrize(("rows", "world_size"), [(6, 1), (6, 2), (5, 2), (5, 3), (2, 4)])
def test_the_shares_make_up_the_batch(rows: int, world_size: int) -> None:
    batch = joined(rows_of(rows, 4))
    shares = [batch.share(rank, world_size) for rank in range(world_size)]
    targets = np.concatenate([selected(share).targets_N for share in shares])
    assert sorted(targets.tolist()) == sorted(selected(batch).targets_N.tolist())
    for share in shares:
        assert len(share.tokens_BT) >= 1
        np.testing.assert_array_equal(
            share.tokens_BT.ravel()[selected(share).selected_N], selected(share).targets_N
        )


def test_joined_rows_keep_every_target() -> None:
    batch = joined(rows_of(2, 3), rows_of(3, 5, first_id=200))
    assert batch.tokens_BT.shape == (5, 5)
    np.testing.assert_array_equal(
        batch.tokens_BT.ravel()[selected(batch).selected_N], selected(batch).targets_N
    )
    assert batch.attention_mask_BT is not None
    assert batch.real_tokens == 2 * 3 + 3 * 5
    assert batch.tokens_BT[0].tolist() == [100, 101, 102, 2, 2]
    assert batch.task_B.tolist() == [0] * 2 + [1] * 3
