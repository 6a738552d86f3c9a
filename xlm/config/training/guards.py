"""What watches over a training run, and what is done when something looks wrong."""

from typing import Literal

from pydantic import Field

from xlm.engine.config import Config, operational


class GuardConfig(Config):
    """Guards against spikes of the gradient norm, numbers that are none, and collapse."""

    spike: Literal["record", "skip", "stop"] = Field(
        default="record",
        description="On a spike of the gradient norm: write evidence and go on, leave the update "
        "out (a norm that is not finite too), or stop.",
    )
    sigmas: float = Field(
        default=6.0,
        gt=0,
        description="A spike is so many standard deviations above the mean of recent logarithms "
        "of the norm (OLMo's monitor: 6).",
    )
    window: int = Field(
        default=128,
        ge=8,
        description="Recent updates that mean and deviation are taken of (OLMo: 128); nothing is "
        "a spike before there are so many.",
    )
    max_consecutive: int = Field(
        default=16,
        ge=1,
        description="Stop at more spikes than this one after the other, whatever `spike` says.",
    )
    collapse: Literal["off", "warn", "stop"] = operational(
        "warn",
        description="When validation is no better than word frequencies, finds nothing right, or "
        "always predicts one id: ignore it, warn, or stop.",
    )
    collapse_validations: int = operational(
        3, ge=1, description="Validations after the warm-up before collapse is looked for."
    )
    evidence: int = operational(
        8, ge=1, description="Evidences kept a process in the logs, the newest ones."
    )


class OverfitConfig(Config):
    """A trial before a long run: a copy of the model must learn one fixed batch by heart."""

    updates: int = operational(
        0, ge=0, description="Updates of the trial, each objective its own; 0: no trial."
    )
    target: float = operational(
        0.25, gt=0, lt=1, description="Share of the loss at the start that must be reached."
    )
    rows: int = operational(
        16, ge=1, description="Sequences of the batch at most: few are learned sooner."
    )
