"""Settings of fine-tuning and of evaluation, and the slices of their stages."""

from typing import Any, Literal

from pydantic import Field, field_validator

from xlm.config.data.tasks import XNLI_LABELS
from xlm.config.training.optimizer import OptimizerConfig, ScheduleConfig
from xlm.config.training.pretrain import PretrainConfig
from xlm.config.training.sweep import Setting, SweepConfig
from xlm.engine.config import Config, added, operational

_OLD_SELECTION = "english"
"""What `select_by: training` was called when all training rows were English."""


class FinetuneConfig(Config):
    """Fine-tuning on the training rows of the classification task.

    "Aid" marks settings that help the sample world's small model. They are off by default.
    """

    seed: int = Field(
        default=0,
        ge=0,
        lt=2**63,
        description="Seed of the classifier's weights, the data order and dropout.",
    )
    updates: int = Field(
        default=25_000,
        ge=1,
        description="Maximum number of optimizer updates (10 of the original's epochs of 20,000 "
        "pairs).",
    )
    batch_pairs: int = Field(
        default=8, ge=1, description="Training rows (sentences or pairs) per batch."
    )
    group_by_length: bool = added(
        False,
        description="Put training rows of similar lengths into a batch (original: no).",
    )
    max_tokens: int = Field(
        default=256,
        ge=4,
        description="Maximum number of tokens per sentence, with both </s>; longer sentences are "
        "truncated in training.",
    )
    classifier_dropout: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Dropout before the classifier (original: 0).",
    )
    encoder_dropout: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="Dropout of embeddings and sublayers; null: model.dropout.",
    )
    encoder_attention_dropout: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="Dropout of attention weights; null: model.attention_dropout.",
    )
    optimizer: OptimizerConfig = Field(
        default=OptimizerConfig(learning_rate=5e-6),
        description="Adam (5e-6, because 2.5e-5 collapses for many users: XLM issue 199).",
    )
    classifier_learning_rate: float | None = Field(
        default=None,
        gt=0,
        description="Peak learning rate of the classifier; null: optimizer.learning_rate.",
    )
    schedule: ScheduleConfig = Field(
        default=ScheduleConfig(kind="constant", warmup_updates=500),
        description="Learning rate schedule (original: constant, no warm-up).",
    )

    evaluation_updates: int = Field(
        default=2500,
        ge=1,
        description="Updates between evaluations on dev (default: the original's epoch, 20,000 "
        "pairs in batches of 8).",
    )
    patience: int | None = Field(
        default=None,
        ge=0,
        description="Stop early after more than this number of evaluations without a better one; "
        "null: never.",
    )
    select_by: Literal["training", "mean"] = Field(
        default="training",
        description="Select weights by mean dev accuracy of the training languages, or of all "
        "languages (uses the dev labels of all languages; the results say so).",
    )
    keep: Literal["best", "last"] = Field(
        default="best",
        description="Publish the weights of the best evaluation, or of the last update.",
    )

    restarts: int = Field(
        default=1,
        ge=1,
        description="Maximum number of runs with different seeds; the run with the best dev "
        "accuracy is kept.",
    )
    target_accuracy: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Dev accuracy in the training languages after which no further restart runs; "
        "null: run all.",
    )
    collapse: Literal["retry", "error", "restart", "report"] = Field(
        default="retry",
        description="Action if dev accuracy in the training languages never exceeds chance: train "
        "once more with a lower learning rate, stop with an error, continue with the next restart, "
        "or only report it in the results. Unless it is report, no collapsed model is published.",
    )
    collapse_updates: int = Field(
        default=5000,
        ge=1,
        description="Updates after which training ends if no evaluation exceeded chance, but not "
        "before the end of the warm-up, and not with collapse=report.",
    )
    collapse_rate: float = Field(
        default=0.5,
        gt=0,
        lt=1,
        description="Factor of the learning rates when training is tried once more "
        "(collapse=retry).",
    )
    collapse_margin: float = Field(
        default=0.02,
        ge=0,
        lt=1,
        description="Accuracy above that of the majority class that still counts as chance.",
    )

    sweep: SweepConfig = added(
        SweepConfig(), description="Learning rates, batch sizes and seeds to try."
    )

    random_language_ids: bool = Field(
        default=False,
        description="Give each training row a random language id (aid).",
    )
    freeze_embeddings: bool = Field(default=False, description="Freeze the token embeddings (aid).")
    frozen_layers: int = Field(
        default=0,
        ge=0,
        description="Number of frozen layers, counted from the input. More than 0 also freezes all "
        "embeddings and their layer norm (aid; original: --finetune_layers).",
    )
    mix_pretraining: int = Field(
        default=0,
        ge=0,
        description="Interval, in updates, at which the loss of one pretraining batch is added "
        "(aid); 0: never.",
    )

    device: Literal["cpu", "cuda"] = Field(default="cpu", description="Device of every process.")
    threads_per_process: int = Field(
        default=1, ge=1, description="CPU threads per process. Changes rounding."
    )
    encoder: str | None = operational(
        None,
        description="Model to fine-tune instead of a pretrained one: a .pth file of the original, "
        "a Hugging Face folder, or a model artifact of this pipeline. Its merges and vocabulary "
        "are used, and no text but the labelled rows. The contents are part of the key, the path "
        "is not. null: pretrain.",
    )
    processes: int = operational(1, ge=1, description="Number of restarts that run in parallel.")
    timeout_seconds: float | None = operational(
        None, gt=0, description="Time limit of the stage, seconds; null: no limit."
    )

    @field_validator("select_by", mode="before")
    @classmethod
    def _take_old_name(cls, value: object) -> object:
        return "training" if value == _OLD_SELECTION else value

    def key_fields(self) -> dict[str, Any]:
        """The values in keys, which keep the older name of `select_by: training`."""
        fields = super().key_fields()
        if self.select_by == "training":
            fields["select_by"] = _OLD_SELECTION
        return fields


class EvaluateConfig(Config):
    """What stage evaluate measures."""

    confidence: float = Field(
        default=0.95,
        gt=0,
        lt=1,
        description="Confidence level of the intervals of accuracies (Wilson; over seeds: Student) "
        "and macro-F1 (bootstrap). `xlm compare` always uses 95 %.",
    )
    perplexity_max_chunks: int | None = Field(
        default=None,
        ge=1,
        description="Maximum number of stream sequences per language for perplexity; null: the "
        "original's rule.",
    )
    perplexity_max_pairs: int | None = Field(
        default=None,
        ge=1,
        description="Maximum number of pairs per language pair for perplexity; null: the "
        "original's rule.",
    )
    retrieval_pairs: int = Field(
        default=1000,
        ge=2,
        description="Number of distinct held-out pairs per language among which retrieval "
        "searches.",
    )
    baseline_epochs: int = Field(
        default=20, ge=1, description="Epochs of the bag-of-words baseline."
    )
    baseline_max_pairs: int = Field(
        default=100_000,
        ge=1,
        description="Maximum number of training rows of the bag-of-words baseline.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of the bag-of-words baseline.")
    device: Literal["cpu", "cuda"] = Field(default="cpu", description="Device of every process.")
    threads_per_process: int = Field(
        default=1, ge=1, description="CPU threads per process. Changes rounding."
    )
    processes: int = operational(
        1,
        ge=1,
        description="Number of measurements that run in parallel: the test rows of a model, the "
        "perplexity of a language, the retrieval of a pair.",
    )
    timeout_seconds: float | None = operational(
        None, gt=0, description="Time limit of the stage, seconds; null: no limit."
    )


class FinetuneSlice(Config):
    """Settings that determine the fine-tuned weights."""

    languages: tuple[str, ...] = Field(description="Languages in the order of their ids.")
    train: tuple[str, ...] = Field(description="Languages of the training rows.")
    finetune: FinetuneConfig = Field(description="Settings of fine-tuning.")
    pretrain: PretrainConfig | None = Field(
        description="Settings of the pretraining batches that are mixed in; None without them."
    )
    labels: tuple[str, ...] = added(
        XNLI_LABELS,
        description="Labels in the order of their ids; empty: those of the training rows, sorted.",
    )


class ScoreSlice(Config):
    """Settings that determine the dev scores of a fine-tuned model."""

    languages: tuple[str, ...] = Field(description="Languages whose dev rows are scored.")
    device: Literal["cpu", "cuda"] = Field(description="Device of the process.")
    threads_per_process: int = Field(description="CPU threads. Changes rounding.")
    timeout_seconds: float | None = operational(None, description="Time limit, seconds.")


class CellSlice(Config):
    """One cell of the sweep, as the selection sees it."""

    name: str = Field(description="Name of the training rows: `en`, `all`.")
    train: tuple[str, ...]
    learning_rate: float
    batch_pairs: int
    seed: int


class SelectSlice(Config):
    """Settings that determine which fine-tuned models are selected."""

    cells: dict[str, CellSlice] = Field(description="All cells, by unit.")
    tested: dict[Setting, dict[str, tuple[str, ...]]] = Field(
        description="By setting: names of training rows, with the languages that are tested."
    )
    select_by: Literal["training", "mean"] = Field(description="What selects the published model.")
    refuse_collapsed: bool = Field(description="Whether to publish no model that collapsed.")


class EvaluateSlice(Config):
    """Settings that determine the results."""

    train: tuple[str, ...] = Field(description="Languages of the training rows, for baselines.")
    languages: tuple[str, ...] = Field(description="Languages in the order of their ids.")
    stream_tokens: int = Field(description="Tokens per stream sequence, as in pretraining.")
    specials: bool = Field(description="Whether perplexity includes </s> and <unk>.")
    evaluate: EvaluateConfig = Field(description="Settings of the evaluation.")
    task: str | None = Field(description="Name of the classification task; None without one.")
