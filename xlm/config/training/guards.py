"""Settings of the guards of a training run."""

from typing import Literal

from pydantic import Field

from xlm.engine.config import Config, operational


class GuardConfig(Config):
    """Guards against spikes of the gradient norm, non-finite values, and collapse."""

    spike: Literal["record", "skip", "stop"] = Field(
        default="record",
        description="Action on a spike of the gradient norm: record diagnostics and continue, skip "
        "the update (also if the norm is not finite), or stop.",
    )
    sigmas: float = Field(
        default=6.0,
        gt=0,
        description="Threshold of a spike: standard deviations above the mean of the recent log "
        "norms (OLMo's monitor: 6).",
    )
    window: int = Field(
        default=128,
        ge=8,
        description="Number of recent updates for the mean and the deviation (OLMo: 128). The "
        "guard reports no spike before this number of updates.",
    )
    max_consecutive: int = Field(
        default=16,
        ge=1,
        description="Maximum number of consecutive spikes; one more stops training, for every "
        "value of `spike`.",
    )
    collapse: Literal["off", "warn", "stop"] = operational(
        "warn",
        description="Action if validation is not better than token frequencies, has zero accuracy, "
        "or always predicts the same id: ignore it, warn, or stop.",
    )
    collapse_validations: int = operational(
        3, ge=1, description="Number of validations after the warm-up before collapse is checked."
    )
    diagnostics: int = operational(
        8,
        ge=1,
        description="Number of diagnostics that each process keeps in the logs, the newest ones.",
    )


class OverfitConfig(Config):
    """Overfit check before training: a copy of the model must memorize one fixed batch."""

    updates: int = operational(
        0, ge=0, description="Number of updates of the check for each objective; 0: no check."
    )
    target: float = operational(
        0.25,
        gt=0,
        lt=1,
        description="Fraction of the initial loss that the check must reach to pass.",
    )
    rows: int = operational(
        16,
        ge=1,
        description="Maximum number of sequences in the batch; fewer are memorized sooner.",
    )
