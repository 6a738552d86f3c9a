"""Dropout whose masks follow from the row: cheap bits on a CPU, the same in every share of a batch.

    noise = RowNoise(seed, update, rows_B=[0, 2, 4])  # the numbers of our rows in the whole batch
    kept = noise.kept(site=3, sizes=[96, 96, 64], rate=0.1)
    dropped_PD = add_dropped(branch_PD, residual_PD, kept)

A mask depends on (seed, update, row, site) alone: however many processes share a batch, however it
is cut into parts, and when activations are computed twice. torch draws 32 random bits a number,
one number at a time; 16 bits decide as well, 2^-17 beside the rate at most.

A GPU, and a compiled module, draw their own (`torch.nn.functional.dropout`), which costs them
nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_STEPS = 1 << 16
_WORD_STEPS = 4
"""Decisions that one random word of 64 bits serves for."""


@dataclass(frozen=True)
class Kept:
    """Which numbers stay, end to end, and the factor that keeps their mean."""

    mask: Tensor
    scale: float


class RowNoise:
    """The dropout of one update, for some rows of its batch."""

    def __init__(self, seed: int, update: int, rows_B: Sequence[int]) -> None:
        self._key = (seed, update)
        self._rows_B = rows_B

    def kept(self, site: int, sizes: Sequence[int], rate: float) -> Kept:
        """What stays at a place of the model; `sizes` are the numbers that each row has there."""
        limit = _STEPS - round(rate * _STEPS)
        mask = np.empty(sum(sizes), dtype=np.bool_)
        end = 0
        for row, size in zip(self._rows_B, sizes, strict=True):
            begin, end = end, end + size
            # Philox counts its blocks in the lowest word; the others are ours.
            bits = np.random.Philox(key=self._key, counter=(0, 0, site, row))
            words = bits.random_raw(-(-size // _WORD_STEPS)).astype("<u8", copy=False)
            np.less(words.view("<u2")[:size], limit, out=mask[begin:end])
        return Kept(torch.from_numpy(mask), _STEPS / limit)


def noise_of_torch(rows: int) -> RowNoise:
    """Noise that torch's own generator decides, for those who seed that one."""
    seed, update = torch.randint(2**62, (2,)).tolist()
    return RowNoise(seed, update, range(rows))


def add_dropped(branch_PD: Tensor, residual_PD: Tensor | None, kept: Kept) -> Tensor:
    """Drop from the branch and add what it branched off from, if anything, in one pass."""
    summed: Tensor = _AddDropped.apply(branch_PD, residual_PD, kept)  # type: ignore[no-untyped-call]
    return summed


class _AddDropped(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, branch_PD: Tensor, residual_PD: Tensor | None, kept: Kept) -> Tensor:
        ctx.dtype, ctx.scale = branch_PD.dtype, kept.scale
        # As bytes: torch multiplies by bytes four times as fast as by bools.
        ctx.mask_PD = kept.mask.view(torch.int8).view_as(branch_PD)
        if residual_PD is None:
            return torch.mul(branch_PD, ctx.mask_PD).mul_(kept.scale)
        return torch.addcmul(residual_PD, branch_PD, ctx.mask_PD, value=kept.scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, summed_grad_PD: Tensor) -> tuple[Tensor, Tensor | None, None]:
        branch_grad_PD = torch.mul(summed_grad_PD, ctx.mask_PD).mul_(ctx.scale)
        residual_grad_PD = summed_grad_PD if ctx.needs_input_grad[1] else None
        return branch_grad_PD.to(ctx.dtype), residual_grad_PD, None
