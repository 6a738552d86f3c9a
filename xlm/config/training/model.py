"""Settings of the encoder and of its initialisation; the defaults are the paper's XNLI model."""

from typing import Literal, Self

from pydantic import Field, model_validator

from xlm.engine.config import Config


class AlignedInitialisation(Config):
    """Initialisation that helps a small model to align its languages (not the original's)."""

    embedding_scale: float = Field(
        default=0.1,
        gt=0,
        description="Factor on the original's standard deviation (dimension^-0.5) of token and "
        "language embeddings, and on the sinusoids.",
    )
    sinusoidal_positions: bool = Field(
        default=True,
        description="Initialise the learned positions with sinusoids instead of at random.",
    )
    identity_projections: bool = Field(
        default=True,
        description="Initialise the value and output projections of attention with the identity.",
    )
    second_ffn_scale: float = Field(
        default=0.3,
        gt=0,
        description="Factor on the initial weights of the second matrix of each feed-forward "
        "layer.",
    )


class ModelConfig(Config):
    """Sizes, dropout and initialisation of the encoder."""

    layers: int = Field(default=12, ge=1, le=1024, description="Number of layers (paper 5.1).")
    dimension: int = Field(default=1024, ge=2, le=65_536, description="Hidden size (paper 5.1).")
    heads: int = Field(
        default=8,
        ge=1,
        le=65_536,
        description="Number of attention heads, a divisor of the dimension (paper 5.1). The "
        "feed-forward size is four times the dimension, as in the original.",
    )
    dropout: float = Field(
        default=0.1, ge=0, le=0.99, description="Dropout of embeddings and sublayers (paper 5.1)."
    )
    attention_dropout: float = Field(
        default=0.1,
        ge=0,
        le=0.99,
        description="Dropout of attention weights (paper 5.1); with 0 a CPU uses the fused kernel.",
    )
    max_positions: int = Field(
        default=512,
        ge=8,
        le=1_048_576,
        description="Number of learned positions, the maximum sequence length (original: 512).",
    )
    initialisation: Literal["xlm", "aligned"] = Field(
        default="xlm",
        description="Initial weights: `xlm` as in the original, `aligned` for small models.",
    )
    aligned: AlignedInitialisation = Field(
        default=AlignedInitialisation(), description="Settings of initialisation `aligned`."
    )

    @model_validator(mode="after")
    def _heads_divide_dimension(self) -> Self:
        if self.dimension % self.heads:
            raise ValueError(f"{self.heads} heads do not divide the dimension {self.dimension}")
        return self
