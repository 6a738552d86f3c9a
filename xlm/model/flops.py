"""Floating-point operations of a training step, and the peak of a device.

    shape = StepShape.of_lengths([256] * 64, predicted=2458)
    training_flops(description, shape)
    peak_flops("NVIDIA H100 80GB HBM3", "bf16")  # 989.4e12

Matrix products only, one multiplication and one addition each, forward once and backward twice
(gradients of inputs and of weights). With L layers of dimension D, vocabulary V:

    body       6 * 12 L D^2   per token   (4 D^2 attention projections, 8 D^2 feed-forward)
    attention  12 L D         per pair of a query and a key token   (scores and weighted sum)
    head       6 V D          per predicted position

Recomputation and padding are not counted: these are the operations that the model needs, and their
share of the peak is the *model* FLOPs utilisation (MFU).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from xlm.model.formats.description import ModelDescription

Arithmetic = Literal["fp32", "tf32", "bf16", "fp16"]
"""The arithmetic of matrix products."""

_TERA: Final = 1e12
_MATRICES_PER_LAYER: Final = 12
"""Weights in units of D^2: query, key, value and output 1 each, feed-forward twice 4."""


@dataclass(frozen=True)
class StepShape:
    """The properties of a batch that determine the operations of a step."""

    tokens: int
    """Tokens, padding excluded."""
    attended: int
    """Pairs of a token and a token that it attends to: for a sequence, its length squared."""
    predicted: int
    """Positions that the head is computed for."""

    @classmethod
    def of_lengths(
        cls, lengths: Iterable[int], *, predicted: int, causal: bool = False
    ) -> "StepShape":
        """The shape of sequences that attend within themselves, padded or packed.

        With `causal`, each token attends to itself and to earlier tokens: about half of the pairs.
        """
        known = list(lengths)
        attended = (n * (n + 1) // 2 if causal else n * n for n in known)
        return cls(sum(known), sum(attended), predicted)

    def __add__(self, other: "StepShape") -> "StepShape":
        """The shape of both batches together."""
        return StepShape(
            self.tokens + other.tokens,
            self.attended + other.attended,
            self.predicted + other.predicted,
        )


def body_parameters(description: ModelDescription) -> int:
    """Matrix weights of all layers, without biases, norms and embeddings."""
    return _MATRICES_PER_LAYER * description.model.layers * description.model.dimension**2


def training_flops(description: ModelDescription, shape: StepShape) -> int:
    """Operations of one forward and backward pass, by the formula above."""
    layers, dimension = description.model.layers, description.model.dimension
    body = 6 * body_parameters(description) * shape.tokens
    attention = 12 * layers * dimension * shape.attended
    head = 6 * description.vocabulary_size * dimension * shape.predicted
    return body + attention + head


_PEAKS: Final[tuple[tuple[str, dict[Arithmetic, float]], ...]] = (
    # NVIDIA's data sheets, TFLOP/s without sparsity; the first match counts.
    # Volta has neither TF32, which it computes as fp32, nor bf16.
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
    """Peak dense operations per second of a device; None: unknown.

    Args:
        device_name: the value of `torch.cuda.get_device_name`, for example
            "NVIDIA A100-SXM4-80GB"; "NVIDIA H100 80GB HBM3" is the SXM board.
    """
    if re.search(r"\b(MIG|GRID)\b", device_name):
        return None  # a slice of a device
    for pattern, peaks in _PEAKS:
        if re.search(rf"\b{pattern}\b", device_name, re.IGNORECASE):
            peak = peaks.get(arithmetic)
            return None if peak is None else peak * _TERA
    return None
