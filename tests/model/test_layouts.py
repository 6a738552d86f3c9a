"""Full rows, padded rows and places laid end to end: one model, the same states."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from xlm.model.attention import Attention, AttentionContext
from xlm.model.encoder import Encoder
from xlm.model.formats.description import ModelDescription
from xlm.model.initialise import initialise
from xlm.model.packing import PackedSequences, SelectedPositions, pack, select

Describe = Callable[..., ModelDescription]
CPU = torch.device("cpu")
LENGTHS = [9, 1, 0, 6, 9, 3]


@pytest.fixture
def encoder(describe: Describe) -> Encoder:
    encoder = Encoder(describe()).eval()
    initialise(encoder, seed=1)
    return encoder


@pytest.fixture
def padded() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Tokens, languages, positions that restart, and what is real."""
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(14, 50, (6, 9), generator=generator)
    languages = torch.tensor([[4] * 4 + [9] * 5] * 6)
    positions = torch.tensor([[*range(4), *range(5)]] * 6)
    real = torch.arange(9)[None] < torch.tensor(LENGTHS)[:, None]
    return tokens, languages, positions, real


def test_a_layout_pads_and_packs() -> None:
    layout = PackedSequences([2, 0, 3], CPU)
    places = torch.arange(1.0, 6.0)[:, None]
    assert layout.pad(places)[..., 0].tolist() == [[1, 2, 0], [0, 0, 0], [3, 4, 5]]
    assert layout.attention_mask().tolist() == [[True, True, False], [False] * 3, [True] * 3]
    assert torch.equal(layout.unpad(layout.pad(places)), places)
    assert [(s.start, s.stop) for s in layout.slices()] == [(0, 2), (2, 2), (2, 5)]
    assert layout.cu_seqlens_B1.tolist() == [0, 2, 2, 5]
    assert not layout.equal_lengths


def test_rows_of_equal_length_are_full() -> None:
    layout = PackedSequences([3, 3], CPU)
    assert layout.equal_lengths
    assert layout.pad(torch.zeros(6, 2)).shape == (2, 3, 2)


@pytest.mark.parametrize("causal", [False, True])
def test_padded_rows_equal_rows_one_by_one(
    encoder: Encoder, padded: tuple[Tensor, Tensor, Tensor, Tensor], causal: bool
) -> None:
    tokens, languages, positions, real = padded
    together = encoder(tokens, languages, positions, real, causal=causal)
    for row, length in enumerate(LENGTHS):
        if length:
            one = [x[row : row + 1, :length] for x in (tokens, languages, positions)]
            alone = encoder(*one, causal=causal)
            torch.testing.assert_close(together[row : row + 1, :length], alone)
        assert (together[row, length:] == 0).all()


def test_padding_may_stand_anywhere(encoder: Encoder) -> None:
    tokens = torch.randint(14, 50, (1, 6), generator=torch.Generator().manual_seed(4))
    real = torch.tensor([[False, True, True, False, True, False]])
    positions = torch.arange(6)[None]
    languages = torch.zeros_like(tokens)
    states = encoder(tokens, languages, positions, real)
    alone = encoder(tokens[real][None], languages[real][None], positions[real][None])
    torch.testing.assert_close(states[real], alone[0])


def test_a_place_does_not_see_what_comes_after_it(encoder: Encoder) -> None:
    tokens = torch.randint(14, 50, (3, 8), generator=torch.Generator().manual_seed(5))
    languages = torch.zeros_like(tokens)
    changed = tokens.clone()
    changed[:, 5] = 60 - changed[:, 5]
    before, after = (encoder(x, languages, causal=True) for x in (tokens, changed))
    assert torch.equal(before[:, :5], after[:, :5])
    assert (before[:, 5:] - after[:, 5:]).abs().amin(0).max() > 1e-4
    assert not torch.equal(before, encoder(tokens, languages))


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("with_padding", [False, True])
def test_asked_places_have_the_states_of_all_places(
    encoder: Encoder,
    padded: tuple[Tensor, Tensor, Tensor, Tensor],
    causal: bool,
    with_padding: bool,
) -> None:
    tokens, languages, positions, real = padded
    cells = torch.tensor([44, 3, 0, 28, 9, 37])  # in any order
    inputs = (tokens, languages, positions, real if with_padding else None)
    places = pack(*inputs)
    asked, order = select(places, cells)
    states = encoder.states(places, asked, causal=causal)
    expected = encoder(*inputs, causal=causal).flatten(0, 1)[cells]
    torch.testing.assert_close(states, expected[order])


def test_nothing_may_be_asked_for(
    encoder: Encoder, padded: tuple[Tensor, Tensor, Tensor, Tensor]
) -> None:
    places = pack(*padded)
    asked, _ = select(places, torch.zeros(0, dtype=torch.int64))
    assert encoder.states(places, asked).shape == (0, 16)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("lengths", [[5, 5, 5], [7, 2, 4]])
def test_the_cpus_way_of_attention_equals_torchs(lengths: list[int], causal: bool) -> None:
    """The same products in another order: rows of numbers in cache, or padded rows and a mask."""
    torch.manual_seed(0)
    attention = Attention(dimension=12, heads=3, dropout=0.0)
    layout = PackedSequences(lengths, CPU)
    hidden = torch.randn(sum(lengths), 12)
    torchs = attention(hidden, AttentionContext(layout, causal), site=1)
    ours = attention(hidden, AttentionContext(layout, causal, by_rows=True), site=1)
    torch.testing.assert_close(ours, torchs)
    if not causal:
        chosen = torch.tensor([0, 3, 6, 7, 11])
        asked = SelectedPositions(
            chosen, PackedSequences([2, 2, 1] if lengths[0] == 5 else [3, 1, 1], CPU)
        )
        for by_rows in (True, False):
            found = attention(hidden, AttentionContext(layout, by_rows=by_rows), 1, asked)
            torch.testing.assert_close(found, torchs[chosen])
