"""Full rows, padded rows and packed tokens give the same states."""

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from xlm.model import attention as attention_module
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
    """Tokens, languages, positions that restart, attention mask."""
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(14, 50, (6, 9), generator=generator)
    languages = torch.tensor([[4] * 4 + [9] * 5] * 6)
    positions = torch.tensor([[*range(4), *range(5)]] * 6)
    mask = torch.arange(9)[None] < torch.tensor(LENGTHS)[:, None]
    return tokens, languages, positions, mask


def test_padding_and_unpadding() -> None:
    sequences = PackedSequences([2, 0, 3], CPU)
    packed = torch.arange(1.0, 6.0)[:, None]
    assert sequences.pad(packed)[..., 0].tolist() == [[1, 2, 0], [0, 0, 0], [3, 4, 5]]
    assert sequences.attention_mask().tolist() == [[True, True, False], [False] * 3, [True] * 3]
    assert torch.equal(sequences.unpad(sequences.pad(packed)), packed)
    assert [(s.start, s.stop) for s in sequences.slices()] == [(0, 2), (2, 2), (2, 5)]
    assert sequences.cu_seqlens_B1.tolist() == [0, 2, 2, 5]
    assert not sequences.equal_lengths


def test_rows_of_equal_lengths_need_no_padding() -> None:
    sequences = PackedSequences([3, 3], CPU)
    assert sequences.equal_lengths
    assert sequences.pad(torch.zeros(6, 2)).shape == (2, 3, 2)


@pytest.mark.parametrize("causal", [False, True])
def test_padded_rows_equal_rows_one_by_one(
    encoder: Encoder, padded: tuple[Tensor, Tensor, Tensor, Tensor], causal: bool
) -> None:
    tokens, languages, positions, mask = padded
    together = encoder(tokens, languages, positions, mask, causal=causal)
    for row, length in enumerate(LENGTHS):
        if length:
            one = [x[row : row + 1, :length] for x in (tokens, languages, positions)]
            alone = encoder(*one, causal=causal)
            torch.testing.assert_close(together[row : row + 1, :length], alone)
        assert (together[row, length:] == 0).all()


def test_padding_may_be_anywhere(encoder: Encoder) -> None:
    tokens = torch.randint(14, 50, (1, 6), generator=torch.Generator().manual_seed(4))
    mask = torch.tensor([[False, True, True, False, True, False]])
    positions = torch.arange(6)[None]
    languages = torch.zeros_like(tokens)
    states = encoder(tokens, languages, positions, mask)
    alone = encoder(tokens[mask][None], languages[mask][None], positions[mask][None])
    torch.testing.assert_close(states[mask], alone[0])


def test_causal_attention_ignores_later_positions(encoder: Encoder) -> None:
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
def test_selected_positions_have_the_states_that_all_positions_have(
    encoder: Encoder,
    padded: tuple[Tensor, Tensor, Tensor, Tensor],
    causal: bool,
    with_padding: bool,
) -> None:
    tokens, languages, positions, mask = padded
    indices = torch.tensor([44, 3, 0, 28, 9, 37])  # in any order
    inputs = (tokens, languages, positions, mask if with_padding else None)
    packed = pack(*inputs)
    selected, order = select(packed, indices)
    states = encoder.states(packed, selected, causal=causal)
    expected = encoder(*inputs, causal=causal).flatten(0, 1)[indices]
    torch.testing.assert_close(states, expected[order])


def test_the_selection_may_be_empty(
    encoder: Encoder, padded: tuple[Tensor, Tensor, Tensor, Tensor]
) -> None:
    packed = pack(*padded)
    selected, _ = select(packed, torch.zeros(0, dtype=torch.int64))
    assert encoder.states(packed, selected).shape == (0, 16)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("lengths", [[5, 5, 5], [7, 2, 4]])
def test_the_cpu_kernel_equals_torch_s_attention(lengths: list[int], causal: bool) -> None:
    """The kernel works row by row, torch on padded rows with a mask."""
    torch.manual_seed(0)
    attention = Attention(dimension=12, heads=3, dropout=0.0)
    sequences = PackedSequences(lengths, CPU)
    hidden = torch.randn(sum(lengths), 12)
    torchs = attention(hidden, AttentionContext(sequences, causal), site=1)
    ours = attention(hidden, AttentionContext(sequences, causal, by_rows=True), site=1)
    torch.testing.assert_close(ours, torchs)
    if not causal:
        indices = torch.tensor([0, 3, 6, 7, 11])
        selected = SelectedPositions(
            indices, PackedSequences([2, 2, 1] if lengths[0] == 5 else [3, 1, 1], CPU)
        )
        for by_rows in (True, False):
            found = attention(hidden, AttentionContext(sequences, by_rows=by_rows), 1, selected)
            torch.testing.assert_close(found, torchs[indices])


def varlen_by_rows(
    query: Tensor, key: Tensor, value: Tensor, query_starts: Tensor, key_starts: Tensor,
    max_query: int, max_key: int, *, window_size: tuple[int, int],
) -> Tensor:  # fmt: skip
    """The signature of torch's kernel for GPUs, computed one row at a time."""
    assert int(query_starts.diff().max()) == max_query
    assert int(key_starts.diff().max()) == max_key
    rows = []
    starts = zip(query_starts.tolist(), key_starts.tolist(), strict=True)
    for (query_begin, key_begin), (query_end, key_end) in pairwise(starts):
        q, k, v = (
            x[begin:end].transpose(0, 1)
            for x, begin, end in (
                (query, query_begin, query_end),
                (key, key_begin, key_end),
                (value, key_begin, key_end),
            )
        )
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=window_size == (-1, 0))
        rows.append(mixed.transpose(0, 1))
    return torch.cat(rows)


@pytest.mark.parametrize("causal", [False, True])
def test_the_packed_kernel_of_gpus_gets_the_right_arguments(
    monkeypatch: pytest.MonkeyPatch, causal: bool
) -> None:
    monkeypatch.setattr(attention_module, "varlen_attn", varlen_by_rows, raising=False)
    attention = Attention(dimension=16, heads=2, dropout=0.0)
    context = AttentionContext(PackedSequences([7, 2, 4], CPU), causal)
    hidden = torch.randn(13, 16)
    expected = attention(hidden, context, site=1)
    monkeypatch.setattr(Attention, "_fits_varlen", lambda *_: True)
    torch.testing.assert_close(attention(hidden, context, site=1), expected)
