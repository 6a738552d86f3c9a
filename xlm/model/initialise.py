"""Initial weights: the original's scheme, and `aligned`, which helps small models to align.

initialise(encoder, seed=0)
"""

import math

import torch
from torch import Tensor, nn

from xlm.bpe.vocabulary import PAD
from xlm.config.training.model import AlignedInitialisation
from xlm.model.attention import Attention
from xlm.model.encoder import Encoder, FeedForward

_SINUSOID_BASE = 10_000.0


def initialise(encoder: Encoder, seed: int) -> None:
    """Initialise every weight by the scheme in the model's settings; equal seeds, equal weights."""
    generator = torch.Generator().manual_seed(seed)
    model = encoder.description.model
    _initialise_as_xlm(encoder, generator)
    if model.initialisation == "aligned":
        _align(encoder, model.aligned)


@torch.no_grad()
def initialise_linear(linear: nn.Linear, generator: torch.Generator) -> None:
    """PyTorch's default, U(+-1/sqrt(inputs)) for weight and bias, with the given generator."""
    bound = 1 / math.sqrt(linear.in_features)
    linear.weight.uniform_(-bound, bound, generator=generator)
    linear.bias.uniform_(-bound, bound, generator=generator)


@torch.no_grad()
def _initialise_as_xlm(encoder: Encoder, generator: torch.Generator) -> None:
    deviation = encoder.description.model.dimension**-0.5
    for module in encoder.modules():
        if isinstance(module, nn.Embedding):
            module.weight.normal_(0, deviation, generator=generator)
        elif isinstance(module, nn.LayerNorm):
            module.weight.fill_(1)
            module.bias.zero_()
    for module in encoder.modules():
        if isinstance(module, Attention | FeedForward):
            for linear in module.children():
                assert isinstance(linear, nn.Linear)
                initialise_linear(linear, generator)
    bound = deviation
    encoder.pred_layer.proj.bias.uniform_(-bound, bound, generator=generator)
    encoder.embeddings.weight[PAD] = 0


@torch.no_grad()
def _align(encoder: Encoder, options: AlignedInitialisation) -> None:
    deviation = options.embedding_scale * encoder.description.model.dimension**-0.5
    encoder.embeddings.weight *= options.embedding_scale
    if hasattr(encoder, "lang_embeddings"):
        encoder.lang_embeddings.weight *= options.embedding_scale
    encoder.pred_layer.proj.bias.zero_()
    if options.sinusoidal_positions:
        encoder.position_embeddings.weight.copy_(
            deviation * sinusoids(*encoder.position_embeddings.weight.shape)
        )
    for module in encoder.modules():
        if isinstance(module, Attention) and options.identity_projections:
            for linear in (module.v_lin, module.out_lin):
                nn.init.eye_(linear.weight)
                linear.bias.zero_()
        elif isinstance(module, FeedForward):
            module.lin2.weight *= options.second_ffn_scale


def sinusoids(positions: int, dimension: int) -> Tensor:
    """Sines in even columns, cosines in odd ones (Vaswani et al. 2017), (positions, dimension)."""
    position_P1 = torch.arange(positions, dtype=torch.float64)[:, None]
    column_1D = torch.arange(dimension, dtype=torch.float64)[None]
    angle_PD = position_P1 / _SINUSOID_BASE ** (2 * (column_1D // 2) / dimension)
    return torch.where(column_1D % 2 == 0, angle_PD.sin(), angle_PD.cos()).float()
