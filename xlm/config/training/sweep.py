"""Settings of XNLI's evaluation and of the sweep over fine-tuning."""

from typing import Literal, get_args

from pydantic import Field, field_validator

from xlm.engine.config import Config
from xlm.errors import ConfigError

Setting = Literal["zero-shot", "translate-train", "translate-train-all", "translate-test"]
"""How training and test rows are translated (Lample and Conneau 2019, section 5.1)."""
SETTINGS: tuple[Setting, ...] = get_args(Setting)


class XnliConfig(Config):
    """The settings of the paper in which XNLI is fine-tuned and tested."""

    settings: tuple[Setting, ...] = Field(
        default=("zero-shot",),
        description="zero-shot: train in classify.train (English), test each language. "
        "translate-train: one model for each language, on its machine-translated training rows. "
        "translate-train-all: one model on those of all languages. translate-test: the zero-shot "
        "model on test rows that were translated into English.",
    )

    @field_validator("settings")
    @classmethod
    def _with_zero_shot(cls, settings: tuple[Setting, ...]) -> tuple[Setting, ...]:
        if "zero-shot" not in settings:
            raise ConfigError(
                "xnli.settings has no zero-shot, whose model is published",
                fix="add it, e.g. xnli.settings=[zero-shot, translate-train]",
            )
        return tuple(one for one in SETTINGS if one in settings)


class SweepConfig(Config):
    """Values of which fine-tuning tries every combination; none: only that of `finetune`."""

    learning_rates: tuple[float, ...] = Field(
        default=(), description="Peak learning rates; empty: finetune.optimizer.learning_rate."
    )
    batch_pairs: tuple[int, ...] = Field(
        default=(),
        description="Rows per batch; empty: finetune.batch_pairs. All see the same number of rows: "
        "finetune.updates, evaluation_updates and collapse_updates are for finetune.batch_pairs. "
        "The warm-up and mix_pretraining are in updates of any size.",
    )
    seeds: tuple[int, ...] = Field(
        default=(),
        description="Seeds; empty: finetune.seed. With several, results have a mean and an "
        "interval over seeds.",
    )

    @field_validator("learning_rates", "batch_pairs", "seeds")
    @classmethod
    def _distinct(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        for value in values:
            if values.count(value) > 1:
                raise ConfigError(f"finetune.sweep names {value} twice", fix="remove one")
        return tuple(sorted(values))

    @field_validator("learning_rates", "batch_pairs")
    @classmethod
    def _positive(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        for value in values:
            if value <= 0:
                raise ConfigError(
                    f"finetune.sweep: {value} is not greater than 0", fix="raise or remove it"
                )
        return values

    @field_validator("seeds")
    @classmethod
    def _not_negative(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        for value in values:
            if not 0 <= value < 2**63:
                raise ConfigError(
                    f"finetune.sweep.seeds: {value} is not between 0 and 2**63", fix="change it"
                )
        return values
