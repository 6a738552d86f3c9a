"""Cross-entropy on a CPU that keeps one matrix (N, V) in memory where torch keeps three.

losses_N = cross_entropy(scores_NV, targets_N)  # overwrites the scores
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from xlm.model.cpu.private_operators import log_softmax_in_place


def cross_entropy(scores_NV: Tensor, targets_N: Tensor) -> Tensor:
    """The loss of each position, (N,); nothing else may read the scores, which it overwrites."""
    losses_N: Tensor = _CrossEntropy.apply(scores_NV, targets_N)  # type: ignore[no-untyped-call]
    return losses_N


class _CrossEntropy(torch.autograd.Function):
    """The scores become log-probabilities, which become gradients."""

    @staticmethod
    def forward(ctx: Any, scores_NV: Tensor, targets_N: Tensor) -> Tensor:
        logs_NV = log_softmax_in_place(scores_NV)
        ctx.logs_NV, ctx.targets_N1 = logs_NV, targets_N[:, None]
        losses_N: Tensor = logs_NV.gather(1, ctx.targets_N1).neg_().squeeze(1)
        return losses_N

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, losses_grad_N: Tensor) -> tuple[Tensor, None]:
        grad_NV = ctx.logs_NV.exp_()
        grad_NV.scatter_add_(1, ctx.targets_N1, torch.full_like(losses_grad_N, -1.0)[:, None])
        return grad_NV.mul_(losses_grad_N[:, None]), None
