"""Linear layers that use the faster of torch's two libraries for fp32 products on a CPU.

    layer = Linear(1024, 4096)  # parameters and initialisation of torch.nn.Linear

torch computes fp32 products with MKL, which uses AVX2 on AMD processors and copies the bias first.
oneDNN uses AVX-512 and adds the bias in the same pass, which is 15 to 25 % faster. It compiles a
kernel for each new shape (1 to 2 ms), so small products, where the number of rows changes with
every batch, stay with MKL.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from xlm.model.cpu.private_operators import has_onednn_linear, onednn_linear

_MIN_OPERATIONS = 1e9
"""Products of fewer operations stay with MKL."""


class Linear(nn.Linear):
    """`torch.nn.Linear`, computed by oneDNN where that is faster."""

    def forward(self, inputs_PD: Tensor) -> Tensor:
        """Apply the layer to each row, (P, O)."""
        return linear(inputs_PD, self.weight, self.bias)


def linear(inputs_PD: Tensor, weight_OD: Tensor, bias_O: Tensor) -> Tensor:
    """`torch.nn.functional.linear`: the product of (P, D) and transposed (O, D), plus the bias."""
    operations = 2 * inputs_PD.numel() * len(weight_OD)
    if torch.compiler.is_compiling() or operations < _MIN_OPERATIONS or not _fits(inputs_PD):
        return F.linear(inputs_PD, weight_OD, bias_O)
    product_PO: Tensor = _OneDnnLinear.apply(inputs_PD, weight_OD, bias_O)  # type: ignore[no-untyped-call]
    return product_PO


def _fits(inputs_PD: Tensor) -> bool:
    return (
        has_onednn_linear()
        and inputs_PD.device.type == "cpu"
        and inputs_PD.dtype == torch.float32
        and inputs_PD.dim() == 2
        and not torch.is_autocast_enabled("cpu")
    )


class _OneDnnLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs_PD: Tensor, weight_OD: Tensor, bias_O: Tensor) -> Tensor:
        ctx.save_for_backward(inputs_PD, weight_OD)
        return onednn_linear(inputs_PD, weight_OD, bias_O)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_PO: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        inputs_PD, weight_OD = ctx.saved_tensors
        inputs, weight, bias = ctx.needs_input_grad
        return (
            onednn_linear(grad_PO, weight_OD.t(), None) if inputs else None,
            # Both factors are transposed here, where MKL is as fast.
            grad_PO.t() @ inputs_PD if weight else None,
            grad_PO.sum(0) if bias else None,
        )
