"""Masking on the host (spec 3.4)."""

import numpy as np
import pytest

from xlm.dataloader.masking.host import Masker

V = 200


@pytest.fixture
def counts() -> np.ndarray:
    counts = np.zeros(V, dtype=np.int64)
    counts[14:] = np.linspace(10_000, 1, V - 14).astype(np.int64)
    return counts


@pytest.fixture
def tokens() -> np.ndarray:
    tokens = np.random.default_rng(0).integers(14, V, (64, 50))
    tokens[:, 0] = 1
    tokens[:, 20] = 1
    tokens[:, 21] = 3
    tokens[:, 45:] = 2
    return tokens


@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_padding_and_the_first_position_are_never_selected(
    counts: np.ndarray, tokens: np.ndarray, alpha: float
) -> None:
    masked = Masker(counts, alpha).mask(
        tokens, tokens != 2, rate=0.3, random=np.random.default_rng(1)
    )
    columns = masked.selected_N % tokens.shape[1]
    assert columns.min() > 0
    assert columns.max() < 45
    np.testing.assert_array_equal(masked.targets_N, tokens.ravel()[masked.selected_N])
    untouched = np.ones(tokens.size, dtype=bool)
    untouched[masked.selected_N] = False
    np.testing.assert_array_equal(masked.tokens_BT.ravel()[untouched], tokens.ravel()[untouched])


def test_weighted_sampling_selects_exactly_its_share_and_no_special_tokens(
    counts: np.ndarray, tokens: np.ndarray
) -> None:
    tokens = np.where(tokens == 2, 20, tokens)
    tokens[:, 0] = 1  # weight 0, so that column 0 changes nothing
    masked = Masker(counts, 0.5).mask(tokens, None, rate=0.15, random=np.random.default_rng(1))
    assert len(masked.selected_N) == int(np.ceil(0.15 * tokens.size))
    assert len(np.unique(masked.selected_N)) == len(masked.selected_N)
    assert masked.targets_N.min() >= 14


def test_uniform_sampling_may_select_interior_eos_and_unk(
    counts: np.ndarray, tokens: np.ndarray
) -> None:
    masked = Masker(counts, 0.0).mask(tokens, None, rate=0.5, random=np.random.default_rng(1))
    assert {1, 3} <= set(masked.targets_N.tolist())


def test_ids_are_sampled_in_proportion_to_the_inverse_root_of_their_count() -> None:
    counts = np.array([0] * 14 + [100, 400])
    tokens = np.tile([14, 15], 20_000)[None].repeat(1, 0)
    masked = Masker(counts, 0.5).mask(tokens, None, rate=0.01, random=np.random.default_rng(2))
    share = (masked.targets_N == 14).mean()
    assert share == pytest.approx(2 / 3, abs=0.06)


def test_replacements_are_80_10_10(counts: np.ndarray) -> None:
    tokens = np.full((100, 1000), 50)
    masked = Masker(counts, 0.0).mask(tokens, None, rate=0.5, random=np.random.default_rng(3))
    replaced = masked.tokens_BT.ravel()[masked.selected_N]
    assert (replaced == 5).mean() == pytest.approx(0.8 + 0.1 / V, abs=0.01)
    assert (replaced == 50).mean() == pytest.approx(0.1 + 0.1 / V, abs=0.01)
    other = replaced[(replaced != 5) & (replaced != 50)]
    assert other.min() == 0
    assert other.max() == V - 1


def test_a_batch_of_special_tokens_has_nothing_to_predict(counts: np.ndarray) -> None:
    tokens = np.ones((4, 8), dtype=np.int64)
    masked = Masker(counts, 0.5).mask(tokens, None, rate=0.15, random=np.random.default_rng(0))
    assert len(masked.selected_N) == 0


def test_masks_depend_on_the_generator_alone(counts: np.ndarray, tokens: np.ndarray) -> None:
    masker = Masker(counts, 0.5)
    first, again, other = (
        masker.mask(tokens, None, rate=0.15, random=np.random.default_rng(seed))
        for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(first.tokens_BT, again.tokens_BT)
    assert not np.array_equal(first.selected_N, other.selected_N)


def test_uniform_sampling_can_exclude_special_tokens(
    counts: np.ndarray, tokens: np.ndarray
) -> None:
    masker = Masker(counts, 0.0, predict_special_tokens=False)
    masked = masker.mask(tokens, None, rate=0.5, random=np.random.default_rng(1))
    assert masked.targets_N.min() >= 14
