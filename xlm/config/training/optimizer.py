"""Settings of the optimizer and of the learning rate, for pretraining and fine-tuning."""

from typing import Literal

from pydantic import Field

from xlm.engine.config import Config


class OptimizerConfig(Config):
    """Adam and its learning rates."""

    learning_rate: float = Field(
        default=1e-4,
        gt=0,
        description="Peak learning rate (paper 5.1: 1e-4 to 5e-4; maintainers: 1e-4).",
    )
    embedding_learning_rate: float | None = Field(
        default=None,
        gt=0,
        description="Peak learning rate of the token embeddings and the bias of the head; null: "
        "learning_rate. A small model needs a much higher one (not in the original).",
    )
    beta1: float = Field(default=0.9, ge=0, lt=1, description="Decay of Adam's first moment.")
    beta2: float = Field(default=0.98, ge=0, lt=1, description="Decay of Adam's second moment.")
    epsilon: float = Field(
        default=1e-8,
        gt=0,
        description="Added to the denominator after bias correction, as in torch (original: before "
        "it).",
    )
    weight_decay: float = Field(
        default=0.0,
        ge=0,
        description="Decoupled weight decay, multiplied by the learning rate.",
    )
    decay_vectors: bool = Field(
        default=True,
        description="Apply weight decay to biases and layer norms too (as the original does).",
    )
    clip_norm: float | None = Field(
        default=5.0,
        gt=0,
        description="Maximum global L2 norm of the gradients (original: 5); null: no clipping.",
    )


class ScheduleConfig(Config):
    """The learning rate of each update, relative to the peak."""

    kind: Literal["inverse_sqrt", "linear", "constant"] = Field(
        default="inverse_sqrt",
        description="Decay after the warm-up: inverse square root of the update (the original), "
        "linear to zero at the last update, or constant.",
    )
    warmup_updates: int = Field(
        default=4000, ge=0, description="Number of updates of linear warm-up."
    )
    warmup_initial_rate: float = Field(
        default=1e-7, ge=0, description="Learning rate of update 0 (original: 1e-7)."
    )
    decay_from: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Fraction of all updates before the linear decay begins (`linear` only).",
    )
