"""Operations of a training step: computed by hand, and counted by torch on the encoder."""

from collections.abc import Callable

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from xlm.model.encoder import Encoder
from xlm.model.flops import StepShape, body_parameters, peak_flops, training_flops
from xlm.model.formats.description import ModelDescription
from xlm.model.head import head_losses

Describe = Callable[..., ModelDescription]


def test_the_operations_of_the_paper_s_model(describe: Describe) -> None:
    paper = describe(vocabulary_size=95_000, layers=12, dimension=1024, heads=8, max_positions=512)
    assert body_parameters(paper) == 150_994_944
    one_stream = StepShape.of_lengths([256], predicted=38)
    body, attention, head = 6 * 150_994_944 * 256, 12 * 12 * 1024 * 256 * 256, 6 * 97_280_000 * 38
    assert training_flops(paper, one_stream) == body + attention + head
    # Reference performance.md 6: about 1.03 GFLOP a token where 15 % are predicted.
    assert training_flops(paper, one_stream) / 256 == pytest.approx(1.03e9, rel=0.01)


def test_packed_sequences_attend_within_themselves(describe: Describe) -> None:
    shape = StepShape.of_lengths([10, 30], predicted=4)
    assert (shape.tokens, shape.attended, shape.predicted) == (40, 1000, 4)
    parts = StepShape.of_lengths([10], predicted=1) + StepShape.of_lengths([30], predicted=3)
    assert parts == shape
    assert StepShape.of_lengths([1, 3], predicted=0, causal=True).attended == 1 + 6
    whole = StepShape.of_lengths([40], predicted=4)
    difference = training_flops(describe(), whole) - training_flops(describe(), shape)
    assert difference == 12 * 2 * 16 * 600


@pytest.mark.parametrize(
    ("sizes", "rows", "width", "predicted"),
    [
        ({"layers": 2, "dimension": 32, "heads": 4}, 3, 40, 18),
        ({"layers": 1, "dimension": 64, "heads": 2}, 2, 24, 5),
        # Attention and head with more operations than the body.
        ({"layers": 3, "dimension": 8, "heads": 2}, 2, 40, 70),
    ],
)
def test_the_formula_agrees_with_torch_s_counter(
    describe: Describe, sizes: dict[str, int], rows: int, width: int, predicted: int
) -> None:
    description = describe(vocabulary_size=300, attention_dropout=0.0, **sizes)
    encoder = Encoder(description)
    tokens_BT = torch.randint(14, 300, (rows, width))
    selected_N = torch.randperm(rows * width)[:predicted]
    targets_N = tokens_BT.flatten()[selected_N]
    # torch counts every product of the unfused attention.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        hidden_BTD = encoder(tokens_BT, torch.zeros_like(tokens_BT))
        states_ND = hidden_BTD.flatten(0, 1).index_select(0, selected_N)
        head = encoder.pred_layer.proj
        head_losses(states_ND, head.weight, head.bias, targets_N).sum().backward()
    shape = StepShape.of_lengths([width] * rows, predicted=predicted)
    assert training_flops(description, shape) == pytest.approx(counter.get_total_flops(), rel=0.02)


@pytest.mark.parametrize(
    ("name", "arithmetic", "tera"),
    [
        ("NVIDIA A100-SXM4-80GB", "bf16", 312),
        ("NVIDIA A100-PCIE-40GB", "tf32", 156),
        ("NVIDIA H100 80GB HBM3", "bf16", 989.4),
        ("NVIDIA H100 PCIe", "bf16", 756),
        ("NVIDIA H100 NVL", "fp16", 835.5),
        ("NVIDIA H200", "bf16", 989.4),
        ("NVIDIA GH200 480GB", "bf16", 989.4),
        ("Tesla V100-SXM2-32GB", "fp16", 125),
        ("Tesla V100-PCIE-16GB", "fp32", 14),
        ("Tesla V100S-PCIE-32GB", "fp16", 130),
        ("NVIDIA L40S", "fp32", 91.6),
        ("NVIDIA B200", "bf16", 2250),
    ],
)
def test_known_devices_have_the_peak_of_their_data_sheets(
    name: str, arithmetic: str, tera: float
) -> None:
    assert peak_flops(name, arithmetic) == pytest.approx(tera * 1e12)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    ["AMD EPYC 9R14", "", "NVIDIA GeForce RTX 2080", "NVIDIA L40", "NVIDIA GB200", "GRID A100-10C",
     "NVIDIA H100 80GB HBM3 MIG 1g.10gb"],
)  # fmt: skip
def test_unknown_devices_and_slices_have_no_peak(name: str) -> None:
    assert peak_flops(name, "bf16") is None


def test_volta_has_no_bf16() -> None:
    assert peak_flops("Tesla V100-SXM2-16GB", "bf16") is None
