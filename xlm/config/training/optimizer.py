"""Adam and its learning rates by update, for pretraining and for fine-tuning."""

from typing import Literal

from pydantic import Field

from xlm.engine.config import Config


class OptimizerConfig(Config):
    """Adam and its learning rates."""

    learning_rate: float = Field(
        default=1e-4, gt=0, description="Peak rate (paper 5.1: 1e-4 to 5e-4; maintainers: 1e-4)."
    )
    embedding_learning_rate: float | None = Field(
        default=None,
        gt=0,
        description="Peak rate of the token embeddings and the head's bias; none: the same rate. "
        "A small world needs a far higher one (an aid, not the original's).",
    )
    beta1: float = Field(default=0.9, ge=0, lt=1, description="Decay of the first moment.")
    beta2: float = Field(default=0.98, ge=0, lt=1, description="Decay of the second moment.")
    epsilon: float = Field(
        default=1e-8,
        gt=0,
        description="Added to the bias-corrected root, as torch does (original: before)",
    )
    weight_decay: float = Field(
        default=0.0,
        ge=0,
        description="Decoupled weight decay, per unit of rate.",
    )
    decay_vectors: bool = Field(
        default=True,
        description="Whether biases and layer norms decay too (the original: every parameter).",
    )
    clip_norm: float | None = Field(
        default=5.0,
        gt=0,
        description="Global L2 norm that gradients are cut to (the original's 5); none: never.",
    )


class ScheduleConfig(Config):
    """The learning rate by update, as a share of the peak."""

    kind: Literal["inverse_sqrt", "linear", "constant"] = Field(
        default="inverse_sqrt",
        description="After the warm-up: fall with the inverse root of the update (the original), "
        "fall in a line to zero at the last update, or stay.",
    )
    warmup_updates: int = Field(default=4000, ge=0, description="Updates of linear rise.")
    warmup_initial_rate: float = Field(
        default=1e-7, ge=0, description="Rate of update 0 (the original's 1e-7)."
    )
    decay_from: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Share of all updates before the linear fall begins (`linear` only).",
    )
