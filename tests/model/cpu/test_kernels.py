"""Values and gradients of the CPU kernels, compared with the plain reference."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from xlm.model.cpu import linear as linear_module
from xlm.model.cpu import private_operators, reference
from xlm.model.cpu.cross_entropy import cross_entropy
from xlm.model.cpu.dropout import DropoutMask, add_dropped
from xlm.model.cpu.linear import Linear, linear
from xlm.model.cpu.row_attention import attend_by_rows
from xlm.model.head import head_losses
from xlm.model.packing import PackedSequences

CPU = torch.device("cpu")
HEADS, DIMENSION = 2, 6
OPERATORS = ("_LINEAR_POINTWISE", "_LOG_SOFTMAX", "_SOFTMAX_BACKWARD")


@pytest.fixture(params=["torch's operators", "fallbacks"])
def operators(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test with torch's private operators, and as on a torch that has none of them."""
    if request.param == "fallbacks":
        for name in OPERATORS:
            monkeypatch.setattr(private_operators, name, None)


def assert_same_values_and_gradients(
    ours: Callable[..., Tensor], plain: Callable[..., Tensor], *inputs: Tensor
) -> None:
    """Values and gradients of two functions, for the inputs that need gradients."""
    found, expected = ours(*inputs), plain(*inputs)
    torch.testing.assert_close(found, expected)
    factors = torch.rand(found.shape, generator=torch.Generator().manual_seed(9)).to(found.dtype)
    wanted = [x for x in inputs if x.requires_grad]
    gradients = zip(
        torch.autograd.grad((found * factors).sum(), wanted),
        torch.autograd.grad((expected * factors).sum(), wanted),
        strict=True,
    )
    for our_gradient, plain_gradient in gradients:
        torch.testing.assert_close(our_gradient, plain_gradient)


def attention_inputs(kind: str, *, dropout: bool) -> tuple[list[Tensor], dict[str, Any]]:
    keys = PackedSequences([4, 1, 3, 0], CPU)
    queries = PackedSequences([2, 0, 3, 0], CPU) if kind == "selected" else keys
    generator = torch.Generator().manual_seed(0)
    inputs = [
        torch.randn(sum(rows.lengths), DIMENSION, dtype=torch.float64, generator=generator)
        for rows in (queries, keys, keys)
    ]
    weights = sum(s * t for s, t in zip(queries.lengths, keys.lengths, strict=True)) * HEADS
    mask = DropoutMask(torch.rand(weights, generator=generator) < 0.6, 1.5) if dropout else None
    options = {
        "heads": HEADS,
        "query_sequences": queries,
        "key_sequences": keys,
        "dropout_mask": mask,
        "causal": kind == "causal",
    }
    return [x.requires_grad_() for x in inputs], options


@pytest.mark.usefixtures("operators")
@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("kind", ["all", "causal", "selected"])
def test_attention_by_rows_is_the_reference(kind: str, dropout: bool) -> None:
    inputs, options = attention_inputs(kind, dropout=dropout)
    assert_same_values_and_gradients(
        lambda *x: attend_by_rows(*x, **options),
        lambda *x: reference.attend_by_rows(*x, **options),
        *inputs,
    )


@pytest.mark.slow
@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("kind", ["all", "causal", "selected"])
def test_attention_by_rows_has_the_numeric_gradients(kind: str, dropout: bool) -> None:
    inputs, options = attention_inputs(kind, dropout=dropout)
    assert torch.autograd.gradcheck(lambda *x: attend_by_rows(*x, **options), inputs)


def test_attention_by_rows_accepts_bf16_under_autocast() -> None:
    rows = PackedSequences([3, 2], CPU)
    inputs = [torch.randn(5, DIMENSION, dtype=torch.bfloat16, requires_grad=True) for _ in range(3)]
    options: dict[str, Any] = {
        "heads": HEADS,
        "query_sequences": rows,
        "key_sequences": rows,
    }
    with torch.autocast("cpu", torch.bfloat16):
        mixed = attend_by_rows(*inputs, **options)
    mixed.float().sum().backward()
    plain = reference.attend_by_rows(*(x.float() for x in inputs), **options)
    torch.testing.assert_close(mixed.float(), plain, atol=0.02, rtol=0.02)
    assert all(x.grad is not None and x.grad.dtype == torch.bfloat16 for x in inputs)


@pytest.mark.usefixtures("operators")
@pytest.mark.parametrize("positions", [0, 1, 7])
def test_cross_entropy_is_the_reference(positions: int) -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(positions, 30, generator=generator, requires_grad=True)
    targets = torch.randint(0, 30, (positions,), generator=generator)
    assert_same_values_and_gradients(
        lambda x: cross_entropy(x * 2, targets),  # a product, because the scores are overwritten
        lambda x: reference.cross_entropy(x * 2, targets),
        scores,
    )


@pytest.mark.usefixtures("operators")
@pytest.mark.parametrize("positions", [0, 1, 7])
def test_losses_of_the_head_are_those_of_plain_torch(positions: int) -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = ((positions, 5), (30, 5), (30,))
    inputs = [torch.randn(*shape, generator=generator, requires_grad=True) for shape in shapes]
    targets = torch.randint(0, 30, (positions,), generator=generator)
    assert_same_values_and_gradients(
        lambda *x: head_losses(*x, targets),
        lambda *x: F.cross_entropy(F.linear(*x), targets, reduction="none"),
        *inputs,
    )


@pytest.mark.usefixtures("operators")
def test_large_scores_do_not_overflow() -> None:
    states, weight = torch.full((2, 1), 100.0), torch.tensor([[10.0], [-10.0], [0.0]])
    losses = head_losses(states, weight, torch.zeros(3), torch.tensor([0, 1]))
    assert losses.tolist() == [0, 2000]


@pytest.mark.parametrize("needed", [(True, True, True), (False, True, True), (True, False, False)])
def test_products_by_onednn_are_the_reference(
    monkeypatch: pytest.MonkeyPatch, needed: tuple[bool, bool, bool]
) -> None:
    if not private_operators.has_onednn_linear():
        pytest.skip("this torch has no oneDNN")
    monkeypatch.setattr(linear_module, "_MIN_OPERATIONS", 0)
    generator = torch.Generator().manual_seed(0)
    inputs = [
        torch.randn(*shape, generator=generator).requires_grad_(gradient)
        for shape, gradient in zip(((9, 5), (7, 5), (7,)), needed, strict=True)
    ]
    assert "OneDnn" in type(linear(*inputs).grad_fn).__name__
    assert_same_values_and_gradients(linear, reference.linear, *inputs)


def test_products_without_onednn_are_torch_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_module, "_MIN_OPERATIONS", 0)
    monkeypatch.setattr(private_operators, "_LINEAR_POINTWISE", None)
    inputs = [torch.randn(*shape, requires_grad=True) for shape in ((9, 5), (7, 5), (7,))]
    product = linear(*inputs)
    assert "OneDnn" not in type(product.grad_fn).__name__
    assert torch.equal(product, F.linear(*inputs))
    bias = inputs[2].detach()
    fallback = private_operators.onednn_linear(inputs[0].detach(), inputs[1].detach(), bias)
    assert torch.equal(fallback, product)


def test_a_name_that_torch_does_not_have_is_not_found() -> None:
    assert private_operators._find("aten", "_log_softmax", "out") is not None
    assert private_operators._find("aten", "_log_softmax", "no_such_overload") is None
    assert private_operators._find("aten", "no_such_operator") is None
    assert private_operators._find("no_such_namespace", "no_such_operator") is None


@pytest.mark.parametrize("with_residual", [True, False])
def test_dropout_with_residual_is_the_reference(with_residual: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    mask = DropoutMask(torch.rand(60, generator=generator) < 0.7, 1.25)
    inputs = [
        torch.randn(6, 10, dtype=torch.float64, generator=generator, requires_grad=True)
        for _ in range(1 + with_residual)
    ]

    def ours(branch: Tensor, residual: Tensor | None = None) -> Tensor:
        return add_dropped(branch, residual, mask)

    def plain(branch: Tensor, residual: Tensor | None = None) -> Tensor:
        return reference.add_dropped(branch, residual, mask)

    assert_same_values_and_gradients(ours, plain, *inputs)
    assert torch.autograd.gradcheck(ours, inputs)


def test_a_linear_layer_has_torch_s_names_and_initialisation() -> None:
    torch.manual_seed(0)
    ours = Linear(4, 3)
    torch.manual_seed(0)
    theirs = torch.nn.Linear(4, 3)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert torch.equal(ours.weight, theirs.weight)
    inputs = torch.randn(2, 5, 4)
    assert torch.equal(ours(inputs), theirs(inputs))
