"""Dropout masks that depend on the row: rate, independence, and equality across shares."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from xlm.model.attention import Attention, AttentionContext
from xlm.model.cpu.dropout import DropoutRNG, dropout_rng_from_torch
from xlm.model.encoder import Encoder
from xlm.model.formats.description import ModelDescription
from xlm.model.initialise import initialise
from xlm.model.packing import PackedSequences
from xlm.training.loss import MaskedLoss

Describe = Callable[..., ModelDescription]
MANY = 200_000


def mask_of(rng: DropoutRNG, site: int = 0, rate: float = 0.1) -> np.ndarray:
    return rng.mask(site, [MANY], rate).mask.numpy()


@pytest.mark.parametrize("rate", [0.1, 0.25, 0.5, 0.9])
def test_masks_have_the_rate_and_a_scale_that_keeps_the_mean(rate: float) -> None:
    dropout = DropoutRNG(1, 2, [3]).mask(4, [MANY], rate)
    deviation = (rate * (1 - rate) / MANY) ** 0.5
    assert abs(1 - dropout.mask.float().mean().item() - rate) < 5 * deviation
    assert dropout.scale == pytest.approx(1 / (1 - rate), rel=1e-4)


def test_a_rate_of_zero_keeps_everything() -> None:
    dropout = DropoutRNG(1, 2, [3]).mask(4, [1000], 0.0)
    assert dropout.mask.all()
    assert dropout.scale == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((DropoutRNG(0, 0, [0]), 0), (DropoutRNG(1, 0, [0]), 0)),
        ((DropoutRNG(0, 0, [0]), 0), (DropoutRNG(0, 1, [0]), 0)),
        ((DropoutRNG(0, 0, [0]), 0), (DropoutRNG(0, 0, [1]), 0)),
        ((DropoutRNG(0, 0, [0]), 0), (DropoutRNG(0, 0, [0]), 1)),
        ((DropoutRNG(0, 0, [1]), 0), (DropoutRNG(0, 0, [0]), 1)),
    ],
    ids=["seed", "update", "row", "site", "row against site"],
)
def test_seed_update_row_and_site_each_give_independent_masks(
    first: tuple[DropoutRNG, int], second: tuple[DropoutRNG, int]
) -> None:
    one, other = ~mask_of(*first), ~mask_of(*second)
    both = (one & other).mean()
    assert abs(both - 0.01) < 5 * (0.01 * 0.99 / MANY) ** 0.5


def test_numbers_of_one_mask_are_independent() -> None:
    dropped = ~mask_of(DropoutRNG(5, 6, [7]))
    for distance in (1, 2, 3, 4, 8, 64):
        together = (dropped[distance:] & dropped[:-distance]).mean()
        assert abs(together - 0.01) < 5 * (0.01 * 0.99 / MANY) ** 0.5


def test_a_row_has_the_same_mask_alone_and_among_others() -> None:
    sizes = [37, 0, 130, 64]
    whole = DropoutRNG(1, 2, [4, 5, 6, 7]).mask(3, sizes, 0.1).mask.split(sizes)
    for number, size in enumerate(sizes):
        alone = DropoutRNG(1, 2, [4 + number]).mask(3, [size], 0.1).mask
        assert torch.equal(alone, whole[number])


def test_masks_do_not_change_between_versions() -> None:
    """A run that is resumed with a newer version must draw the same masks."""
    mask = DropoutRNG(1, 2, [3]).mask(4, [32], 0.5).mask
    assert "".join(str(int(x)) for x in mask) == "00000011101101000010111001101111"


def test_numpy_integers_and_the_largest_seed_are_accepted() -> None:
    assert mask_of(DropoutRNG(2**63 - 1, 10**9, np.array([2**40]))).any()


def test_without_a_seed_the_masks_depend_on_torch_s_generator() -> None:
    torch.manual_seed(1)
    first, second = dropout_rng_from_torch(2), dropout_rng_from_torch(2)
    torch.manual_seed(1)
    again = dropout_rng_from_torch(2)
    masks = [rng.mask(0, [100, 100], 0.5).mask for rng in (first, second, again)]
    assert torch.equal(masks[0], masks[2])
    assert not torch.equal(masks[0], masks[1])


@pytest.fixture
def loss(describe: Describe) -> MaskedLoss:
    encoder = Encoder(describe(dropout=0.3, attention_dropout=0.2))
    initialise(encoder, seed=1)
    return MaskedLoss(encoder)


def _padded() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Five rows of different lengths: tokens, attention mask, selected positions, targets."""
    generator = torch.Generator().manual_seed(2)
    tokens = torch.randint(14, 50, (5, 12), generator=generator)
    mask = torch.arange(12)[None] < torch.tensor([12, 5, 9, 12, 2])[:, None]
    selected = torch.tensor([1, 7, 13, 16, 25, 30, 32, 37, 46, 49])
    return tokens, mask, selected, tokens.flatten()[selected]


def test_losses_and_gradients_do_not_depend_on_how_a_batch_is_shared(loss: MaskedLoss) -> None:
    """Dropout is the same on one or two processes, and with gradient accumulation."""
    tokens, mask, selected, targets = _padded()
    languages = torch.zeros_like(tokens)
    whole = loss(
        tokens, languages, None, mask, selected, targets, dropout_rng=DropoutRNG(7, 8, range(5))
    )
    whole.sum().backward()
    expected = [parameter.grad for parameter in loss.parameters()]
    loss.zero_grad()
    for share in range(2):
        rows = torch.arange(share, 5, 2)
        mine = selected // 12 % 2 == share
        indices = selected[mine] // 12 // 2 * 12 + selected[mine] % 12
        rng = DropoutRNG(7, 8, rows.tolist())
        part = loss(tokens[rows], languages[rows], None, mask[rows], indices, targets[mine],
                    dropout_rng=rng)  # fmt: skip
        torch.testing.assert_close(part, whole[mine])
        part.sum().backward()
    for parameter, gradient in zip(loss.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, atol=1e-5, rtol=1e-4)


def test_another_update_has_another_mask(loss: MaskedLoss) -> None:
    tokens, mask, selected, targets = _padded()
    inputs = (tokens, torch.zeros_like(tokens), None, mask, selected, targets)
    first, second, again = (
        loss(*inputs, dropout_rng=DropoutRNG(7, u, range(5))) for u in (0, 1, 0)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    loss.eval()
    assert torch.equal(loss(*inputs, dropout_rng=DropoutRNG(7, 0, range(5))), loss(*inputs))


@pytest.mark.slow
def test_dropout_on_attention_keeps_the_mean() -> None:
    """Attention is linear in its weights, so dropout must not shift the mean."""
    torch.manual_seed(0)
    sequences, draws = PackedSequences([6, 4], torch.device("cpu")), 4000
    attention = Attention(dimension=8, heads=2, dropout=0.3)
    hidden = torch.randn(10, 8)
    with torch.no_grad():
        found = torch.stack(
            [
                attention(
                    hidden,
                    AttentionContext(sequences, dropout_rng=DropoutRNG(0, n, [0, 1]), by_rows=True),
                    1,
                )
                for n in range(draws)
            ]
        )
        expected = attention.eval()(hidden, AttentionContext(sequences), 1)
    errors = (found.mean(0) - expected).abs() / (found.std(0) / draws**0.5)
    assert errors.max() < 5
    assert found.std(0).min() > 0
