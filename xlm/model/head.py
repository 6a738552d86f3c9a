"""The prediction head: scores of every id for the chosen states, and their losses.

    losses_N = head_losses(states_ND, weight_VD, bias_V, targets_N)

Shape legend: N chosen places, V vocabulary, D dimension.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from xlm.model.cpu.linear import linear


class PredictionHead(nn.Module):
    """Scores of all ids; the weight is the embedding matrix."""

    def __init__(self, dimension: int, vocabulary_size: int) -> None:
        super().__init__()
        self.proj = nn.Linear(dimension, vocabulary_size)


def head_losses(states_ND: Tensor, weight_VD: Tensor, bias_V: Tensor, targets_N: Tensor) -> Tensor:
    """Cross-entropy of each place, (N,)."""
    scores_NV = linear(states_ND, weight_VD, bias_V)
    if scores_NV.device.type != "cpu" or torch.compiler.is_compiling():
        return F.cross_entropy(scores_NV.float(), targets_N, reduction="none")
    losses_N: Tensor = _CrossEntropy.apply(scores_NV.float(), targets_N)  # type: ignore[no-untyped-call]
    return losses_N


class _CrossEntropy(torch.autograd.Function):
    """Keeps one matrix (N, V) where torch keeps three: scores become probabilities, then gradients.

    It overwrites the scores: nobody else may read them.
    """

    @staticmethod
    def forward(ctx: Any, scores_NV: Tensor, targets_N: Tensor) -> Tensor:
        logs_NV = torch.ops.aten._log_softmax.out(scores_NV, 1, False, out=scores_NV)
        ctx.logs_NV, ctx.targets_N1 = logs_NV, targets_N[:, None]
        losses_N: Tensor = logs_NV.gather(1, ctx.targets_N1).neg_().squeeze(1)
        return losses_N

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, losses_grad_N: Tensor) -> tuple[Tensor, None]:
        grad_NV = ctx.logs_NV.exp_()
        grad_NV.scatter_add_(1, ctx.targets_N1, torch.full_like(losses_grad_N, -1.0)[:, None])
        return grad_NV.mul_(losses_grad_N[:, None]), None
