"""How the pretrained encoder is fine-tuned on XNLI, and how the result is measured."""

from typing import Literal

from pydantic import Field

from xlm.config.training.optimizer import OptimizerConfig, ScheduleConfig
from xlm.config.training.pretrain import PretrainConfig
from xlm.engine.config import Config, operational


class FinetuneConfig(Config):
    """Fine-tuning on English pairs; the aids of the sample world are off by default."""

    seed: int = Field(
        default=0,
        ge=0,
        lt=2**63,
        description="Seed of the classifier, the order and the dropout.",
    )
    updates: int = Field(
        default=25_000,
        ge=1,
        description="Optimizer updates at most (10 of the original's epochs of 20k).",
    )
    batch_pairs: int = Field(
        default=8, ge=1, description="Premise and hypothesis pairs of an update."
    )
    max_tokens: int = Field(
        default=256,
        ge=4,
        description="Tokens of one sentence with both </s>; more are cut in training.",
    )
    classifier_dropout: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Dropout before the classifier (the original's default 0).",
    )
    encoder_dropout: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="Dropout of embeddings and sublayers; none: as in pretraining.",
    )
    encoder_attention_dropout: float | None = Field(
        default=None, ge=0, lt=1, description="Dropout of attention; none: as in pretraining."
    )
    optimizer: OptimizerConfig = Field(
        default=OptimizerConfig(learning_rate=5e-6),
        description="Adam (5e-6: 2.5e-5 collapses for many users, XLM issue 199).",
    )
    classifier_learning_rate: float | None = Field(
        default=None, gt=0, description="Peak rate of the classifier; none: the encoder's."
    )
    schedule: ScheduleConfig = Field(
        default=ScheduleConfig(kind="constant", warmup_updates=500),
        description="Learning rate by update (the original: constant, no warm-up).",
    )

    evaluation_updates: int = Field(
        default=2500,
        ge=1,
        description="Updates between evaluations on dev (original: 20,000 pairs of 8).",
    )
    patience: int | None = Field(
        default=None,
        ge=0,
        description="Stop after more evaluations than this without a better one.",
    )
    select_by: Literal["english", "mean"] = Field(
        default="english",
        description="Keep the weights with the best dev accuracy in English, or the best mean dev "
        "accuracy of all languages (uses dev labels of all; named in the results).",
    )
    keep: Literal["best", "last"] = Field(
        default="best",
        description="Publish the weights of the best evaluation, or of the last update.",
    )

    restarts: int = Field(
        default=1,
        ge=1,
        description="Runs with different seeds at most; the best English dev is kept.",
    )
    target_accuracy: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="No further restart once English dev accuracy reaches this.",
    )
    collapse: Literal["error", "restart", "report"] = Field(
        default="error",
        description="When English dev accuracy never leaves chance: stop with an error, go on to "
        "the next restart (an error after the last), or only say so in the results.",
    )
    collapse_margin: float = Field(
        default=0.02,
        ge=0,
        lt=1,
        description="Accuracy above the majority class that counts as chance.",
    )

    random_language_ids: bool = Field(
        default=False,
        description="Give each English training pair the id of a random language (aid).",
    )
    freeze_embeddings: bool = Field(
        default=False, description="Leave the token embeddings as pretrained (aid)."
    )
    frozen_layers: int = Field(
        default=0,
        ge=0,
        description="Layers from the input on that stay as pretrained, with all that lies below "
        "them: embeddings, positions, languages, norm (aid; the original: --finetune_layers).",
    )
    mix_pretraining: int = Field(
        default=0,
        ge=0,
        description="Every so many updates, add the loss of one pretraining batch (aid); 0: never.",
    )

    device: Literal["cpu", "cuda"] = Field(default="cpu", description="Device of every process.")
    threads_per_process: int = Field(
        default=1, ge=1, description="CPU threads of a process (order of sums: bits)."
    )
    processes: int = operational(
        1, ge=1, description="Restarts that run side by side; the result does not depend on it."
    )
    timeout_seconds: float | None = operational(
        None, gt=0, description="Wall-clock limit of the processes; none: no limit."
    )


class EvaluateConfig(Config):
    """What is measured on the trained models."""

    confidence: float = Field(
        default=0.95, gt=0, lt=1, description="Coverage of the Wilson intervals of accuracies."
    )
    perplexity_max_chunks: int | None = Field(
        default=None,
        ge=1,
        description="Stream sequences a language at most; none: the original's rule.",
    )
    perplexity_max_pairs: int | None = Field(
        default=None, ge=1, description="Pairs at most; none: the original's rule."
    )
    retrieval_pairs: int = Field(
        default=1000,
        ge=2,
        description="Held-out distinct pairs a language that retrieval chooses among.",
    )
    baseline_epochs: int = Field(
        default=20, ge=1, description="Passes of the bag-of-words baseline over the English pairs."
    )
    baseline_max_pairs: int = Field(
        default=100_000, ge=1, description="English training pairs of the bag-of-words baseline."
    )
    seed: int = Field(default=0, ge=0, description="Seed of the bag-of-words baseline.")
    device: Literal["cpu", "cuda"] = Field(default="cpu", description="Device of every process.")
    threads_per_process: int = Field(
        default=1, ge=1, description="CPU threads of a process (order of sums: bits)."
    )
    processes: int = operational(
        1, ge=1, description="Languages evaluated side by side; the result does not depend on it."
    )
    timeout_seconds: float | None = operational(
        None, gt=0, description="Wall-clock limit of the processes; none: no limit."
    )


class FinetuneSlice(Config):
    """All that decides the fine-tuned weights beside the encoder and the pairs."""

    languages: tuple[str, ...] = Field(description="Languages in the order of their ids.")
    finetune: FinetuneConfig = Field(description="Batches, schedule, selection, aids.")
    pretrain: PretrainConfig | None = Field(
        description="Batches and masks of mixed-in pretraining; none when it is off."
    )


class EvaluateSlice(Config):
    """All that decides the figures beside the models and the data."""

    languages: tuple[str, ...] = Field(description="Languages in the order of their ids.")
    stream_tokens: int = Field(description="Tokens of one stream sequence, as in pretraining.")
    specials: bool = Field(description="Whether perplexity counts </s> and <unk>.")
    evaluate: EvaluateConfig = Field(description="Intervals, baselines, limits.")
