"""Dropout with masks that depend on the row: cheap on a CPU, equal in every share of a batch.

    rng = DropoutRNG(seed, update, rows_B=[0, 2, 4])  # the row numbers in the global batch
    mask = rng.mask(site=3, sizes=[96, 96, 64], rate=0.1)
    hidden_PD = add_dropped(branch_PD, residual_PD, mask)

A mask depends on (seed, update, row, site) alone. It is therefore the same on any number of
processes, with any gradient accumulation, and when activations are recomputed. torch draws 32
random bits for each number, one number at a time; 16 bits change the rate by at most 2^-17.

On a GPU and in compiled modules, `torch.nn.functional.dropout` is used instead: it is free there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_STEPS = 1 << 16
_DECISIONS_PER_WORD = 4
"""One random word of 64 bits serves four numbers."""


@dataclass(frozen=True)
class DropoutMask:
    """Which numbers are kept, flat, and the factor that preserves their mean."""

    mask: Tensor
    scale: float


class DropoutRNG:
    """The random numbers of dropout in one update, for some rows of its batch."""

    def __init__(self, seed: int, update: int, rows_B: Sequence[int]) -> None:
        """`rows_B`: the row numbers in the global batch."""
        self._key = (seed, update)
        self._rows_B = rows_B

    def mask(self, site: int, sizes: Sequence[int], rate: float) -> DropoutMask:
        """The mask at one site of the model; row i has `sizes[i]` numbers there."""
        limit = _STEPS - round(rate * _STEPS)
        mask = np.empty(sum(sizes), dtype=np.bool_)
        end = 0
        for row, size in zip(self._rows_B, sizes, strict=True):
            begin, end = end, end + size
            # Philox counts blocks in the lowest word of its counter; the others are free to use.
            bits = np.random.Philox(key=self._key, counter=(0, 0, site, row))
            words = bits.random_raw(-(-size // _DECISIONS_PER_WORD)).astype("<u8", copy=False)
            np.less(words.view("<u2")[:size], limit, out=mask[begin:end])
        return DropoutMask(torch.from_numpy(mask), _STEPS / limit)


def dropout_rng_from_torch(rows: int) -> DropoutRNG:
    """A generator seeded by torch's own, for callers that seed torch."""
    seed, update = torch.randint(2**62, (2,)).tolist()
    return DropoutRNG(seed, update, range(rows))


def add_dropped(branch_PD: Tensor, residual_PD: Tensor | None, mask: DropoutMask) -> Tensor:
    """Apply dropout to a branch and add the residual, if any, in one pass."""
    summed: Tensor = _AddDropped.apply(branch_PD, residual_PD, mask)  # type: ignore[no-untyped-call]
    return summed


class _AddDropped(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, branch_PD: Tensor, residual_PD: Tensor | None, dropout: DropoutMask
    ) -> Tensor:
        ctx.dtype, ctx.scale = branch_PD.dtype, dropout.scale
        # As bytes: torch multiplies by bytes four times as fast as by bools.
        ctx.mask_PD = dropout.mask.view(torch.int8).view_as(branch_PD)
        if residual_PD is None:
            return torch.mul(branch_PD, ctx.mask_PD).mul_(dropout.scale)
        return torch.addcmul(residual_PD, branch_PD, ctx.mask_PD, value=dropout.scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, summed_grad_PD: Tensor) -> tuple[Tensor, Tensor | None, None]:
        branch_grad_PD = torch.mul(summed_grad_PD, ctx.mask_PD).mul_(ctx.scale)
        residual_grad_PD = summed_grad_PD if ctx.needs_input_grad[1] else None
        return branch_grad_PD.to(ctx.dtype), residual_grad_PD, None
