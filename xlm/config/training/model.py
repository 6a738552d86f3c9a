"""The shape of the encoder and how its weights begin; the defaults are the paper's XNLI model."""

from typing import Literal, Self

from pydantic import Field, model_validator

from xlm.engine.config import Config


class AlignedInitialisation(Config):
    """Starting weights that help a small world to align its languages (not the original's)."""

    embedding_scale: float = Field(
        default=0.1,
        gt=0,
        description="Factor on the original's standard deviation (dimension^-0.5) of token and "
        "language embeddings, and on the sinusoids (reference sample world, recipe).",
    )
    sinusoidal_positions: bool = Field(
        default=True, description="Start the learned positions as sinusoids instead of at random."
    )
    identity_projections: bool = Field(
        default=True,
        description="Start the value and output projections of attention as the identity.",
    )
    second_ffn_scale: float = Field(
        default=0.3,
        gt=0,
        description="Factor on the starting weights of each second feed-forward matrix.",
    )


class ModelConfig(Config):
    """Sizes and dropouts of the encoder."""

    layers: int = Field(default=12, ge=1, le=1024, description="Transformer layers (paper 5.1).")
    dimension: int = Field(default=1024, ge=2, le=65_536, description="Hidden units (paper 5.1).")
    heads: int = Field(
        default=8,
        ge=1,
        le=65_536,
        description="Attention heads, a divisor of the dimension (paper 5.1). The feed-forward "
        "layer has four times the dimension, as in the original.",
    )
    dropout: float = Field(
        default=0.1, ge=0, le=0.99, description="Dropout on embeddings and sublayers (paper 5.1)."
    )
    attention_dropout: float = Field(
        default=0.1,
        ge=0,
        le=0.99,
        description="Dropout on attention weights (paper 5.1); 0 lets a CPU use the fused kernel.",
    )
    max_positions: int = Field(
        default=512,
        ge=8,
        le=1_048_576,
        description="Learned positions, tokens (the original's 512).",
    )
    initialisation: Literal["xlm", "aligned"] = Field(
        default="xlm",
        description="Starting weights: `xlm` as the original's, `aligned` for small worlds.",
    )
    aligned: AlignedInitialisation = Field(
        default=AlignedInitialisation(), description="Used with initialisation `aligned` only."
    )

    @model_validator(mode="after")
    def _heads_divide_dimension(self) -> Self:
        if self.dimension % self.heads:
            raise ValueError(f"{self.heads} heads do not divide the dimension {self.dimension}")
        return self
