"""Linear layers that use the faster of torch's two libraries for fp32 products on a CPU.

    layer = Linear(1024, 4096)  # weights, names and start as torch.nn.Linear's

torch gives fp32 products to MKL, which on an AMD core stays with AVX2, and copies the bias first;
oneDNN takes AVX-512 and adds the bias on the way: 15 to 25 % faster. It compiles a kernel for each
new shape (1 to 2 ms), so small products, whose number of rows may change with every batch, stay.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

_WORTH_OPERATIONS = 1e9
"""Products of fewer operations are left to MKL."""

_HAS_ONEDNN = hasattr(torch.ops, "mkldnn") and hasattr(torch.ops.mkldnn, "_linear_pointwise")


class Linear(nn.Linear):
    """`torch.nn.Linear`, faster where that is possible."""

    def forward(self, inputs_PD: Tensor) -> Tensor:
        """Each place on its own."""
        return linear(inputs_PD, self.weight, self.bias)


def linear(inputs_PD: Tensor, weight_OD: Tensor, bias_O: Tensor) -> Tensor:
    """The product of (P, D) with the transposed (O, D), and the bias, (P, O)."""
    operations = 2 * inputs_PD.numel() * len(weight_OD)
    if torch.compiler.is_compiling() or operations < _WORTH_OPERATIONS or not _fits(inputs_PD):
        return F.linear(inputs_PD, weight_OD, bias_O)
    product_PO: Tensor = _OneDnnLinear.apply(inputs_PD, weight_OD, bias_O)  # type: ignore[no-untyped-call]
    return product_PO


def _fits(inputs_PD: Tensor) -> bool:
    return (
        _HAS_ONEDNN
        and inputs_PD.device.type == "cpu"
        and inputs_PD.dtype == torch.float32
        and inputs_PD.dim() == 2
        and not torch.is_autocast_enabled("cpu")
    )


def _onednn(inputs_PD: Tensor, weight_OD: Tensor, bias_O: Tensor | None) -> Tensor:
    product_PO: Tensor = torch.ops.mkldnn._linear_pointwise(
        inputs_PD, weight_OD, bias_O, "none", [], ""
    )
    return product_PO


class _OneDnnLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs_PD: Tensor, weight_OD: Tensor, bias_O: Tensor) -> Tensor:
        ctx.save_for_backward(inputs_PD, weight_OD)
        return _onednn(inputs_PD, weight_OD, bias_O)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_PO: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        inputs_PD, weight_OD = ctx.saved_tensors
        inputs, weight, bias = ctx.needs_input_grad
        return (
            _onednn(grad_PO, weight_OD.t(), None) if inputs else None,
            # Both factors are transposed here, where MKL is as fast.
            grad_PO.t() @ inputs_PD if weight else None,
            grad_PO.sum(0) if bias else None,
        )
