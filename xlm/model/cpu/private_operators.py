"""Operators that torch has but does not document, each with a fallback of documented ones.

A future torch may remove an operator: the kernels then still work, but more slowly.
"""

from typing import Any

import torch
from torch import Tensor


def _find(namespace: str, name: str, overload: str = "default") -> Any | None:
    """An operator of torch, or None if this torch does not have it."""
    try:
        return getattr(getattr(getattr(torch.ops, namespace), name), overload)
    except AttributeError:
        return None


_LINEAR_POINTWISE = _find("mkldnn", "_linear_pointwise")
_LOG_SOFTMAX = _find("aten", "_log_softmax", "out")
_SOFTMAX_BACKWARD = _find("aten", "_softmax_backward_data", "out")


def has_onednn_linear() -> bool:
    """Whether `onednn_linear` uses oneDNN."""
    return _LINEAR_POINTWISE is not None


def onednn_linear(inputs_PD: Tensor, weight_OD: Tensor, bias_O: Tensor | None) -> Tensor:
    """`torch.nn.functional.linear`, computed by oneDNN, (P, O)."""
    if _LINEAR_POINTWISE is None:
        return torch.nn.functional.linear(inputs_PD, weight_OD, bias_O)
    product_PO: Tensor = _LINEAR_POINTWISE(inputs_PD, weight_OD, bias_O, "none", [], "")
    return product_PO


def log_softmax_in_place(scores_NV: Tensor) -> Tensor:
    """`log_softmax` over the last dimension, written over the scores."""
    if _LOG_SOFTMAX is None:
        return scores_NV.copy_(torch.log_softmax(scores_NV, 1))
    logs_NV: Tensor = _LOG_SOFTMAX(scores_NV, 1, False, out=scores_NV)
    return logs_NV


def softmax_backward_in_place(grad_HST: Tensor, weights_HST: Tensor) -> Tensor:
    """The gradient of softmax's inputs, written over the gradient of its outputs, `weights_HST`."""
    if _SOFTMAX_BACKWARD is None:
        mean_HS1 = (grad_HST * weights_HST).sum(-1, keepdim=True)
        return grad_HST.sub_(mean_HS1).mul_(weights_HST)
    scores_grad_HST: Tensor = _SOFTMAX_BACKWARD(
        grad_HST, weights_HST, -1, weights_HST.dtype, grad_input=grad_HST
    )
    return scores_grad_HST
