"""Masking on the device: the mask of a row depends on (key, row, tokens) alone."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiny_world import tiny_pretraining
from xlm.bpe.vocabulary import MASK
from xlm.dataloader.batch import Batch, MaskCounts
from xlm.dataloader.device_batch import to_device
from xlm.dataloader.masking.device import DeviceMasker, mask_counts
from xlm.dataloader.masking.host import MaskedTokens, selection_weights
from xlm.dataloader.masking.stateless import random_bits, uniform

CPU = torch.device("cpu")
V = 500
COUNTS = np.concatenate([np.zeros(14, dtype=np.int64), np.arange(V - 14, 0, -1)])


def tokens(rows: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, V, (rows, width))


def mask(
    tokens_BT: np.ndarray,
    attention_mask_BT: np.ndarray | None = None,
    *,
    alpha: float = 0.5,
    key: int = 7,
    rate: float = 0.15,
) -> tuple[MaskedTokens[torch.Tensor], MaskCounts]:
    weights_V = selection_weights(COUNTS, alpha, predict_special_tokens=True)
    counts = mask_counts(
        tokens_BT,
        attention_mask_BT,
        weights_V > 0,
        rate=rate,
        key=key,
        random=np.random.default_rng(0),
    )
    masker = DeviceMasker(COUNTS, tiny_pretraining(sample_alpha=alpha), CPU)
    mask = None if attention_mask_BT is None else torch.from_numpy(attention_mask_BT)
    return masker.mask(torch.from_numpy(tokens_BT), mask, counts), counts


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 6), st.integers(2, 40), st.sampled_from([0.0, 0.5]), st.floats(0.05, 0.95),
    st.integers(0, 100),
)  # fmt: skip
def test_rows_have_their_counts_and_never_padding_or_the_first_position(
    rows: int, width: int, alpha: float, rate: float, seed: int
) -> None:
    tokens_BT = tokens(rows, width, seed)
    length_B = np.random.default_rng(seed).integers(1, width + 1, rows)
    attention_mask_BT = np.arange(width) < length_B[:, None]
    masked, counts = mask(tokens_BT, attention_mask_BT, alpha=alpha, rate=rate)
    selected = masked.selected_N.numpy()
    assert len(np.unique(selected)) == len(selected) == counts.count
    np.testing.assert_array_equal(np.bincount(selected // width, minlength=rows), counts.count_B)
    assert (selected % width > 0).all()
    assert attention_mask_BT.ravel()[selected].all()
    np.testing.assert_array_equal(masked.targets_N.numpy(), tokens_BT.ravel()[selected])
    if alpha:
        assert (COUNTS[masked.targets_N.numpy()] > 0).all()
    untouched = np.ones(tokens_BT.size, dtype=bool)
    untouched[selected] = False
    np.testing.assert_array_equal(
        masked.tokens_BT.numpy().ravel()[untouched], tokens_BT.ravel()[untouched]
    )
    candidates = attention_mask_BT & (COUNTS[tokens_BT] > 0 if alpha else True)
    candidates[:, 0] = False
    off = np.abs(counts.count_B - np.minimum(rate * length_B, candidates.sum(1)))
    assert (off < 1).all()


def test_the_mean_share_is_the_rate_also_for_short_rows() -> None:
    _, counts = mask(np.full((20_000, 9), 100))
    assert counts.count / (20_000 * 9) == pytest.approx(0.15, rel=0.01)


def test_replacements_are_80_10_10() -> None:
    masked, _ = mask(np.full((400, 250), 100))
    replaced = masked.tokens_BT.flatten()[masked.selected_N].numpy()
    assert (replaced == MASK).mean() == pytest.approx(0.8, abs=0.02)
    assert (replaced == 100).mean() == pytest.approx(0.1, abs=0.02)
    others = replaced[(replaced != MASK) & (replaced != 100)]
    assert others.min() < 14 < others.max()
    assert len(np.unique(others)) > 0.9 * V


def test_ids_are_sampled_in_proportion_to_the_inverse_root_of_their_count() -> None:
    counts = np.array([0] * 14 + [900, 100, 100])
    tokens_BT = np.tile(np.array([14, 15]), (4000, 100))
    weights_V = selection_weights(counts, 0.5, predict_special_tokens=True)
    to_mask = mask_counts(
        tokens_BT, None, weights_V > 0, rate=0.02, key=1, random=np.random.default_rng(0)
    )
    masked = DeviceMasker(counts, tiny_pretraining(sample_alpha=0.5), CPU).mask(
        torch.from_numpy(tokens_BT), None, to_mask
    )
    # The first position of each row, an id 14, cannot be selected; the weights are 1/30 and 1/10.
    expected = 99 / 30 / (99 / 30 + 100 / 10)
    assert (masked.targets_N == 14).double().mean().item() == pytest.approx(expected, rel=0.06)


def test_a_row_s_mask_is_the_same_in_any_share() -> None:
    tokens_BT = tokens(7, 30)
    weights_V = selection_weights(COUNTS, 0.5, predict_special_tokens=True)
    counts = mask_counts(
        tokens_BT, None, weights_V > 0, rate=0.15, key=3, random=np.random.default_rng(0)
    )
    batch = Batch(
        tokens_BT=tokens_BT,
        languages_BT=np.zeros_like(tokens_BT),
        task_B=np.arange(7),
        predicted=counts,
    )
    masker = DeviceMasker(COUNTS, tiny_pretraining(), CPU)
    whole = to_device(batch, CPU, masker)
    for world_size in (2, 3, 8):
        counted = 0
        for rank in range(world_size):
            share = to_device(batch.share(rank, world_size), CPU, masker)
            counted += len(share.selected_N)
            if rank < 7:
                assert torch.equal(share.tokens_BT, whole.tokens_BT[rank::world_size])
            else:
                assert len(share.selected_N) == 0
        assert counted == len(whole.selected_N)


def test_another_key_gives_another_mask() -> None:
    tokens_BT = tokens(4, 200)
    first, second = (mask(tokens_BT, key=key)[0] for key in (5, 6))
    assert not torch.equal(first.selected_N, second.selected_N)
    again, _ = mask(tokens_BT, key=5)
    assert torch.equal(first.tokens_BT, again.tokens_BT)


def test_numbers_are_uniform_and_keys_are_independent() -> None:
    counters = torch.arange(200_000)
    values = uniform(1, counters).double()
    assert 0 < values.min() < values.max() < 1
    histogram = torch.histc(values, bins=50, min=0, max=1)
    # 50 bins of 4,000 expected each: five standard deviations are 313.
    assert (histogram - 4000).abs().max() < 320
    for other in (uniform(2, counters), uniform(1, counters + 1), uniform(1 << 62, counters)):
        together = torch.corrcoef(torch.stack([values, other.double()]))[0, 1]
        assert together.abs() < 0.012
    # Keys are mixed first; otherwise the numbers of two keys would be the same ones, shifted.
    assert not torch.equal(values[1:], uniform(2, counters).double()[:-1])
    assert uniform(1, counters * 0 + (1 << 40)).max() < 1
    assert (random_bits(3, counters) >= 0).all()


def test_the_numbers_are_those_of_splitmix64() -> None:
    """Computed in plain integers; any change here changes the masks of all runs."""
    word = 1 << 64

    def final(value: int) -> int:
        value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 % word
        value = (value ^ value >> 27) * 0x94D049BB133111EB % word
        return value ^ value >> 31

    key, counter = (1 << 63) - 25, (5 << 20) + 77
    start = final((key + 1) * 0x9E3779B97F4A7C15 % word)
    expected = final((counter * 0x9E3779B97F4A7C15 + start) % word) >> 1
    assert random_bits(key, torch.tensor([counter])).item() == expected
