"""The loss module: its values and gradients, its order, and torch features that it works with."""

import shutil

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.tiny_world import tiny_model
from xlm.model.cpu.dropout import DropoutRNG
from xlm.model.encoder import Encoder
from xlm.model.formats.description import ModelDescription
from xlm.model.initialise import initialise
from xlm.training.loss import MaskedLoss

Inputs = tuple[Tensor, Tensor, None, Tensor | None, Tensor, Tensor]


def build(**model: object) -> MaskedLoss:
    encoder = Encoder(
        ModelDescription(
            model=tiny_model(**{"layers": 2, **model}),
            languages=("en", "fr"),
            vocabulary_size=40,
            vocabulary_hash="x",
        )
    )
    initialise(encoder, 0)
    return MaskedLoss(encoder)


def batch(rows: int = 4, width: int = 9, *, padded: bool = False, seed: int = 0) -> Inputs:
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(14, 40, (rows, width), generator=generator)
    real = torch.ones_like(tokens, dtype=torch.bool)
    if padded:
        lengths = torch.randint(2, width, (rows, 1), generator=generator)
        lengths[0], lengths[1] = width, width - 1
        real = torch.arange(width)[None] < lengths
    chosen = (torch.rand(rows, width, generator=generator) < 0.4) & real
    cells = chosen.flatten().nonzero().squeeze(1)
    targets = tokens.flatten()[cells]
    return tokens, tokens % 2, None, real if padded else None, cells, targets


def gradients(loss: MaskedLoss, losses: Tensor) -> list[Tensor]:
    loss.zero_grad()
    losses.sum().backward()
    found = [parameter.grad for parameter in loss.parameters()]
    assert all(grad is not None and grad.layout == torch.strided for grad in found)
    return [grad for grad in found if grad is not None]


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_losses_and_gradients_are_those_of_the_full_computation(padded: bool, causal: bool) -> None:
    """Computing fewer states and sparse gradients does not change the results."""
    loss = build(dropout=0, attention_dropout=0)
    inputs = batch(padded=padded)
    found = loss(*inputs, causal)
    ours = gradients(loss, found)
    tokens, languages, positions, real, cells, targets = inputs
    states = loss.encoder(tokens, languages, positions, real, causal=causal)
    scores = loss.encoder.predict(states).flatten(0, 1)[cells]
    expected = F.cross_entropy(scores, targets, reduction="none")
    torch.testing.assert_close(found, expected)
    for mine, theirs in zip(ours, gradients(loss, expected), strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=1e-4)


def test_positions_may_be_selected_in_any_order() -> None:
    loss = build(dropout=0, attention_dropout=0)
    tokens, languages, _, _, cells, targets = batch()
    order = torch.randperm(len(cells), generator=torch.Generator().manual_seed(1))
    found = loss(tokens, languages, None, None, cells[order], targets[order])
    torch.testing.assert_close(found, loss(*batch())[order])


def test_a_batch_without_targets_has_zero_gradients() -> None:
    """A process without a row still takes part in the all-reduce of gradients."""
    loss = build()
    tokens, languages, *_ = batch(rows=1)
    none = torch.zeros(0, dtype=torch.int64)
    losses = loss(tokens, languages, None, None, none, none)
    assert losses.shape == (0,)
    assert all((grad == 0).all() for grad in gradients(loss, losses))


@pytest.mark.parametrize("padded", [False, True])
def test_recomputed_activations_are_bit_identical(padded: bool) -> None:
    loss = build(dropout=0.2, attention_dropout=0.2)
    inputs = batch(padded=padded)
    kept = gradients(loss, loss(*inputs, dropout_rng=DropoutRNG(1, 2, range(4))))
    loss.encoder.recompute_activations = True
    again = gradients(loss, loss(*inputs, dropout_rng=DropoutRNG(1, 2, range(4))))
    assert all(map(torch.equal, kept, again))
    # Without a dropout RNG, torch's generator is reset for the second pass.
    torch.manual_seed(3)
    first = gradients(loss, loss(*inputs))
    loss.encoder.recompute_activations = False
    torch.manual_seed(3)
    assert all(map(torch.equal, first, gradients(loss, loss(*inputs))))


def test_recomputing_saves_memory() -> None:
    loss = build(dropout=0.1, attention_dropout=0.1)
    sizes = []
    for recompute in (False, True):
        loss.encoder.recompute_activations = recompute
        saved: list[int] = []

        def note(tensor: Tensor, saved: list[int] = saved) -> Tensor:
            saved.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            loss(*batch())
        sizes.append(sum(saved))
    assert sizes[1] < sizes[0] / 2


def test_deterministic_algorithms_give_equal_bits() -> None:
    """Training uses deterministic algorithms, so every kernel must have one."""
    runs = []
    torch.use_deterministic_algorithms(True)
    try:
        for _ in range(2):
            loss = build()
            adam = torch.optim.AdamW(loss.parameters(), lr=0.01, fused=True)
            for update in range(3):
                inputs = batch(padded=update == 1, seed=update)
                losses = loss(*inputs, dropout_rng=DropoutRNG(1, update, range(4)))
                gradients(loss, losses)
                adam.step()
            runs.append([parameter.detach().clone() for parameter in loss.parameters()])
    finally:
        torch.use_deterministic_algorithms(False)
    assert all(map(torch.equal, *runs))


@pytest.mark.slow
def test_a_compiled_loss_is_equal_and_compiled_once_for_all_sizes() -> None:
    if not any(map(shutil.which, ("g++", "clang++", "c++"))):
        pytest.skip("torch.compile needs a C++ compiler here")
    torch._dynamo.reset()
    loss = build(layers=1, dropout=0, attention_dropout=0)
    compiled = MaskedLoss(loss.encoder, compiled=True)
    counters = torch._dynamo.utils.counters["stats"]
    before = counters["unique_graphs"]
    for rows, width in ((4, 9), (5, 12), (3, 20)):
        inputs = batch(rows, width, padded=True, seed=width)
        dropout_rng = DropoutRNG(0, width, range(rows))
        found, expected = compiled(*inputs, dropout_rng=dropout_rng), loss(*inputs)
        torch.testing.assert_close(found, expected)
        theirs = gradients(loss, expected)
        for ours, plain in zip(gradients(compiled, found), theirs, strict=True):
            torch.testing.assert_close(ours, plain, atol=1e-5, rtol=1e-4)
    assert counters["unique_graphs"] - before == 1
