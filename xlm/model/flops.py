"""Floating-point operations of a training step, and what a device could do at best.

    shape = StepShape.of_lengths([256] * 64, predicted=2458)
    training_flops(description, shape)
    peak_flops("NVIDIA H100 80GB HBM3", "bf16")  # 989.4e12

Matrix products only, one multiplication and one addition each, forward once and backward twice
(gradients of inputs and of weights). With L layers of dimension D, vocabulary V:

    body       6 * 12 L D^2     a token       (4 D^2 attention projections, 8 D^2 feed-forward)
    attention  12 L D           a token and token attended to   (scores and weighted sum)
    head       6 V D            a predicted place

Recomputed and padded places are not counted: these are the operations that the model needs, and a
share of the peak that follows from them is a *model* FLOPs utilisation (MFU).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from xlm.model.formats.description import ModelDescription

Arithmetic = Literal["fp32", "tf32", "bf16", "fp16"]
"""How matrix products are computed."""

_TERA: Final = 1e12
_MATRICES_PER_LAYER: Final = 12
"""In units of D^2: queries, keys, values, output, and twice four for the feed-forward layer."""


@dataclass(frozen=True)
class StepShape:
    """What of a batch decides the operations of a step."""

    tokens: int
    """Real tokens."""
    attended: int
    """Pairs of a token and a token that it attends to: of a
    sequence the square of its length."""
    predicted: int
    """Places that the head is computed for."""

    @classmethod
    def of_lengths(
        cls, lengths: Iterable[int], *, predicted: int, causal: bool = False
    ) -> "StepShape":
        """The shape of sequences that attend within themselves, in rows of their own or packed.

        With `causal`, each token attends to itself and those before it: half of the pairs.
        """
        known = list(lengths)
        seen = (n * (n + 1) // 2 if causal else n * n for n in known)
        return cls(sum(known), sum(seen), predicted)

    def __add__(self, other: "StepShape") -> "StepShape":
        """Both, one after the other."""
        return StepShape(
            self.tokens + other.tokens,
            self.attended + other.attended,
            self.predicted + other.predicted,
        )


def body_parameters(description: ModelDescription) -> int:
    """Weights of the matrices of all layers, without biases, norms and embeddings."""
    return _MATRICES_PER_LAYER * description.model.layers * description.model.dimension**2


def training_flops(description: ModelDescription, shape: StepShape) -> int:
    """Operations of one forward and backward pass; see the formula above."""
    layers, dimension = description.model.layers, description.model.dimension
    body = 6 * body_parameters(description) * shape.tokens
    attention = 12 * layers * dimension * shape.attended
    head = 6 * description.vocabulary_size * dimension * shape.predicted
    return body + attention + head


_PEAKS: Final[tuple[tuple[str, dict[Arithmetic, float]], ...]] = (
    # NVIDIA's data sheets, TFLOP/s without sparsity; more special names come first.
    # Volta has no TF32: what asks for it is computed as fp32. Nor has it bf16.
    (r"V100S", {"fp16": 130.0, "tf32": 16.4, "fp32": 16.4}),
    (r"V100-PCIE", {"fp16": 112.0, "tf32": 14.0, "fp32": 14.0}),
    (r"V100", {"fp16": 125.0, "tf32": 15.7, "fp32": 15.7}),
    (r"A100", {"bf16": 312.0, "fp16": 312.0, "tf32": 156.0, "fp32": 19.5}),
    (r"H100 PCIe", {"bf16": 756.0, "fp16": 756.0, "tf32": 378.0, "fp32": 51.0}),
    (r"H100 NVL", {"bf16": 835.5, "fp16": 835.5, "tf32": 417.5, "fp32": 60.0}),
    (r"H100", {"bf16": 989.4, "fp16": 989.4, "tf32": 494.7, "fp32": 66.9}),
    (r"H200 NVL", {"bf16": 835.5, "fp16": 835.5, "tf32": 417.5, "fp32": 60.0}),
    (r"G?H200", {"bf16": 989.4, "fp16": 989.4, "tf32": 494.7, "fp32": 66.9}),
    (r"L40S", {"bf16": 362.05, "fp16": 362.05, "tf32": 183.0, "fp32": 91.6}),
    (r"B200", {"bf16": 2250.0, "fp16": 2250.0, "tf32": 1100.0, "fp32": 75.0}),
)


def peak_flops(device_name: str, arithmetic: Arithmetic) -> float | None:
    """Dense operations a second of a device at best; None where we do not know.

    Args:
        device_name: as `torch.cuda.get_device_name` says it, for example
            "NVIDIA A100-SXM4-80GB"; "NVIDIA H100 80GB HBM3" is the SXM board.
    """
    if re.search(r"\b(MIG|GRID)\b", device_name):
        return None  # a slice of a device
    for pattern, peaks in _PEAKS:
        if re.search(rf"\b{pattern}\b", device_name, re.IGNORECASE):
            peak = peaks.get(arithmetic)
            return None if peak is None else peak * _TERA
    return None
