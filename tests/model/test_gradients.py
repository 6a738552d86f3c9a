"""Our own backward passes, against numeric gradients and plain torch."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from xlm.model.cpu import linear as linear_module
from xlm.model.cpu.dropout import DropoutMask
from xlm.model.cpu.linear import Linear, linear
from xlm.model.cpu.private_operators import has_onednn_linear
from xlm.model.cpu.row_attention import attend_by_rows
from xlm.model.head import head_losses
from xlm.model.packing import PackedSequences

CPU = torch.device("cpu")
HEADS, DIMENSION = 2, 6


def _plain_attention(
    query: Tensor, key: Tensor, value: Tensor, queries: PackedSequences,
    keys: PackedSequences, dropout_mask: DropoutMask | None, causal: bool,
) -> Tensor:  # fmt: skip
    """Row by row, head by head, by the formula."""
    out, at = [], 0
    for mine, theirs in zip(queries.slices(), keys.slices(), strict=True):
        heads = []
        for head in range(HEADS):
            columns = slice(head * 3, head * 3 + 3)
            scores = query[mine, columns] @ key[theirs, columns].T / math.sqrt(3)
            if causal:
                scores = scores + torch.full_like(scores, -math.inf).triu(1)
            weights = scores.softmax(-1)
            if dropout_mask is not None:
                mask = dropout_mask.mask[at : at + weights.numel()].view_as(weights)
                weights, at = weights * mask * dropout_mask.scale, at + weights.numel()
            heads.append(weights @ value[theirs, columns])
        out.append(torch.cat(heads, 1))
    return torch.cat(out)


@pytest.mark.slow
@pytest.mark.parametrize("dropped", [False, True])
@pytest.mark.parametrize("kind", ["all", "causal", "some"])
def test_attention_by_rows_is_right_to_its_gradients(kind: str, dropped: bool) -> None:
    keys = PackedSequences([4, 1, 3, 0], CPU)
    queries = PackedSequences([2, 0, 3, 0], CPU) if kind == "some" else keys
    generator = torch.Generator().manual_seed(0)
    query, key, value = (
        torch.randn(sum(rows.lengths), DIMENSION, dtype=torch.float64, generator=generator)
        for rows in (queries, keys, keys)
    )
    inputs = [x.requires_grad_() for x in (query, key, value)]
    weights = sum(s * t for s, t in zip(queries.lengths, keys.lengths, strict=True)) * HEADS
    mask = DropoutMask(torch.rand(weights, generator=generator) < 0.6, 1.5) if dropped else None
    causal = kind == "causal"

    def ours(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return attend_by_rows(
            query,
            key,
            value,
            heads=HEADS,
            query_sequences=queries,
            key_sequences=keys,
            dropout_mask=mask,
            causal=causal,
        )

    torch.testing.assert_close(
        ours(*inputs), _plain_attention(*inputs, queries, keys, mask, causal)
    )
    assert torch.autograd.gradcheck(ours, inputs)


def test_attention_by_rows_takes_bf16_under_autocast() -> None:
    rows = PackedSequences([3, 2], CPU)
    inputs = [torch.randn(5, 6, dtype=torch.bfloat16, requires_grad=True) for _ in range(3)]
    with torch.autocast("cpu", torch.bfloat16):
        mixed = attend_by_rows(*inputs, heads=HEADS, query_sequences=rows, key_sequences=rows)
    mixed.float().sum().backward()
    plain = _plain_attention(*(x.float() for x in inputs), rows, rows, None, False)
    torch.testing.assert_close(mixed.float(), plain, atol=0.02, rtol=0.02)
    assert all(x.grad is not None and x.grad.dtype == torch.bfloat16 for x in inputs)


@pytest.mark.parametrize("positions", [0, 1, 7])
def test_losses_of_the_head_are_torchs_to_their_gradients(positions: int) -> None:
    generator = torch.Generator().manual_seed(0)
    inputs = [
        torch.randn(*shape, generator=generator, requires_grad=True)
        for shape in ((positions, 5), (30, 5), (30,))
    ]
    targets = torch.randint(0, 30, (positions,), generator=generator)
    factors = torch.rand(positions, generator=generator)
    expected = F.cross_entropy(F.linear(*inputs), targets, reduction="none")
    wanted = torch.autograd.grad(expected @ factors, inputs)
    losses = head_losses(*inputs, targets)
    torch.testing.assert_close(losses, expected)
    for ours, theirs in zip(torch.autograd.grad(losses @ factors, inputs), wanted, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_large_scores_overflow_nothing() -> None:
    states, weight = torch.full((2, 1), 100.0), torch.tensor([[10.0], [-10.0], [0.0]])
    losses = head_losses(states, weight, torch.zeros(3), torch.tensor([0, 1]))
    assert losses.tolist() == [0, 2000]


@pytest.mark.parametrize("needed", [(True, True, True), (False, True, True), (True, False, False)])
def test_products_by_onednn_are_torchs_to_their_gradients(
    monkeypatch: pytest.MonkeyPatch, needed: tuple[bool, bool, bool]
) -> None:
    if not has_onednn_linear():
        pytest.skip("this torch has no oneDNN")
    monkeypatch.setattr(linear_module, "_MIN_OPERATIONS", 0)
    generator = torch.Generator().manual_seed(0)
    inputs = [
        torch.randn(*shape, generator=generator).requires_grad_(gradient)
        for shape, gradient in zip(((9, 5), (7, 5), (7,)), needed, strict=True)
    ]
    asked = [x for x, gradient in zip(inputs, needed, strict=True) if gradient]
    factors = torch.randn(9, 7, generator=generator)
    product, expected = linear(*inputs), F.linear(*inputs)
    assert "OneDnn" in type(product.grad_fn).__name__
    torch.testing.assert_close(product, expected)
    wanted = torch.autograd.grad((expected * factors).sum(), asked)
    for ours, theirs in zip(
        torch.autograd.grad((product * factors).sum(), asked), wanted, strict=True
    ):
        torch.testing.assert_close(ours, theirs)


def test_a_linear_layer_is_torchs_in_name_and_start() -> None:
    torch.manual_seed(0)
    ours = Linear(4, 3)
    torch.manual_seed(0)
    theirs = torch.nn.Linear(4, 3)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert torch.equal(ours.weight, theirs.weight)
    inputs = torch.randn(2, 5, 4)
    assert torch.equal(ours(inputs), theirs(inputs))
