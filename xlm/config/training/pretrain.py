"""How the encoder is pretrained; the defaults are the paper's, where the paper says."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from xlm.config.training.guards import GuardConfig, OverfitConfig
from xlm.config.training.model import ModelConfig
from xlm.config.training.optimizer import OptimizerConfig, ScheduleConfig
from xlm.engine.config import Config, operational

Objective = Literal["clm", "mlm", "tlm"]
"""Causal, masked and translation language modelling (paper 3.2 to 3.4)."""


class PretrainConfig(Config):
    """Objectives, batches, schedule and the machine shape that decides bits."""

    recipe: Literal["faithful", "fast"] | None = operational(
        None,
        description="The named settings that these began with (docs/training.md): `faithful`, the "
        "original's rules, or `fast`; what is set behind it holds. A label: the settings count.",
    )
    objectives: tuple[Objective, ...] = Field(
        default=("mlm", "tlm"),
        min_length=1,
        description="Masked, translation and causal language modelling (mlm, tlm, clm).",
    )
    seed: int = Field(
        default=0, ge=0, lt=2**63, description="Seed of weights, data order, masks and dropout."
    )
    updates: int = Field(
        default=200_000,
        ge=1,
        description="Optimizer updates at most (never published by the authors).",
    )

    stream_tokens: int = Field(
        default=256, ge=4, description="Tokens of one stream sequence (paper 5.1: 256)."
    )
    stream_rows: int = Field(
        default=64,
        ge=1,
        description="Stream sequences in the global batch of an update (paper 5.1: 64).",
    )
    pair_tokens: int = Field(
        default=4000,
        ge=16,
        description="Real tokens in the global batch of pairs (paper 5.1: 4,000).",
    )
    pair_max_tokens: int = Field(
        default=100,
        ge=1,
        description="Training pairs with a side of more tokens, or of more than the positions "
        "hold with both </s>, are left out (the original's 100).",
    )
    pair_order: Literal["by_length", "shuffled"] = Field(
        default="by_length",
        description="Pairs of a batch: of similar length (the original, which pads to the longest) "
        "or of any; padding is not computed with either way.",
    )
    languages_per_batch: int = Field(
        default=1,
        ge=1,
        description="Languages (or directed pairs) drawn for one global batch, each with an equal "
        "part of it (original: 1 on every GPU).",
    )
    mono_steps: int = Field(
        default=5,
        ge=0,
        description="MLM, and CLM, updates of an iteration (original: 5, at most one a language).",
    )
    pair_steps: int = Field(
        default=5,
        ge=0,
        description="TLM updates of an iteration (original: 5, at most one a direction).",
    )
    language_alpha: float = Field(
        default=0.7,
        ge=0,
        le=1,
        description="Exponent on the shares of lines of a language (paper 3.1).",
    )

    mlm_mask_rate: float = Field(
        default=0.15, gt=0, lt=1, description="Share of stream tokens to predict (paper 3.3)."
    )
    tlm_mask_rate: float = Field(
        default=0.15, gt=0, lt=1, description="Share of pair tokens to predict (paper 3.4)."
    )
    sample_alpha: float = Field(
        default=0.5,
        ge=0,
        le=2,  # of counts up to 1e19, single precision still tells these weights from nought
        description="Tokens are drawn for prediction with weight count^-alpha; 0: uniformly, and "
        "then </s> and <unk> too (paper 3.3: 0.5).",
    )
    masking: Literal["batch", "rows"] = Field(
        default="batch",
        description="Where places to predict are drawn from: the cells of a language's part of the "
        "batch, on the host (the original), or each row for itself, on the device.",
    )
    predict_specials: bool = Field(
        default=True,
        description="With sample_alpha 0, whether </s> and <unk> may be selected (the original: "
        "yes); no: uniformly over ordinary tokens (an aid of the sample world).",
    )

    optimizer: OptimizerConfig = Field(default=OptimizerConfig(), description="Adam.")
    schedule: ScheduleConfig = Field(
        default=ScheduleConfig(), description="Learning rate by update."
    )

    validation_updates: int = Field(
        default=6250,
        ge=1,
        description="Updates between validations (the original's epoch: 200,000 sequences of 32).",
    )
    validation_max_chunks: int | None = Field(
        default=None,
        ge=1,
        description="Stream sequences validated a language at most; none: the original's rule.",
    )
    validation_max_pairs: int | None = Field(
        default=None, ge=1, description="Pairs validated at most; none: the original's rule."
    )
    validate_specials: bool | None = Field(
        default=None,
        description="Whether validation asks for </s> and <unk> too. None: where training may "
        "select them; yes: always, as the original, whose perplexities then count ids that "
        "sample_alpha > 0 never trains.",
    )
    patience: int | None = Field(
        default=10,
        ge=0,
        description="Stop after more validations than this without a better mean perplexity "
        "(the original's 10); none: never.",
    )
    keep: Literal["best", "last"] = Field(
        default="best",
        description="Publish the weights of the best validation, or of the last update.",
    )
    metrics_updates: int = Field(
        default=50, ge=1, description="Updates that one line of metrics.jsonl covers."
    )

    device: Literal["cpu", "cuda"] = Field(default="cpu", description="Device of every process.")
    precision: Literal["fp32", "bf16", "fp16"] = Field(
        default="fp32",
        description="Arithmetic of matrix products; fp16 scales the loss; bf16 and fp16 are slow "
        "on most CPUs.",
    )
    tf32: bool = Field(
        default=False, description="Let a GPU round the factors of fp32 products to 10 bits (TF32)."
    )
    micro_batch_tokens: int | None = Field(
        default=None,
        ge=1,
        description="Cells (padding too) that a process computes at once at most; more of them are "
        "accumulated to the same update. None: its whole share (order of sums: bits).",
    )
    compile: bool = Field(
        default=False,
        description="Compile the model with torch.compile: for GPUs, needs a C++ compiler; its "
        "dropout depends on the number of processes.",
    )
    recompute_activations: bool = Field(
        default=False,
        description="Keep only each layer's input and compute the rest again in the backward "
        "pass: a quarter more work for a fraction of the memory.",
    )
    processes: int = Field(
        default=1,
        ge=1,
        description="Training processes; they share each batch (order of sums: bits).",
    )
    threads_per_process: int = Field(
        default=1, ge=1, description="CPU threads of a process (order of sums: bits)."
    )

    warm_start: str | None = operational(
        None,
        description="What the weights start from: a .pth of the original, a Hugging Face folder, "
        "or a model artifact of ours; its contents are in the key, its path is not "
        "(docs/models.md). None: from the model's initialisation.",
    )

    checkpoint_updates: int = operational(
        1000, ge=1, description="Updates between checkpoints; changes no bits."
    )
    keep_checkpoints: int = operational(
        2, ge=1, description="Checkpoints kept in the scratch directory."
    )
    archive_updates: int | None = operational(
        None, ge=1, description="Updates between checkpoints that are never removed; none: none."
    )
    collective_timeout_seconds: float = operational(
        1800,
        gt=0,
        le=30 * 24 * 3600,
        description="How long a process waits for another before the run ends with an error.",
    )
    save_seconds: float = operational(
        30,
        gt=0,
        description="How long processes that are asked to stop may take to save their state before "
        "they are killed; the models of a cluster want more.",
    )
    speed_updates: int = operational(
        25, ge=1, description="Updates between reports of speed and progress."
    )
    timeout_seconds: float | None = operational(
        None, gt=0, description="Wall-clock limit of the training processes; none: no limit."
    )

    guard: GuardConfig = Field(default=GuardConfig(), description="Spikes, NaN, collapse.")
    overfit_check: OverfitConfig = operational(
        OverfitConfig(), description="Trial on one batch before the first update."
    )
    tensorboard: bool = operational(True, description="Write TensorBoard event files to the logs.")
    figures: bool = operational(
        True, description="Draw the mixture before and the curves during training to the logs."
    )

    @property
    def scores_special_tokens(self) -> bool:
        """Whether validation and evaluation predict </s> and <unk>."""
        if self.validate_specials is not None:
            return self.validate_specials
        return self.sample_alpha == 0 and self.predict_specials

    @field_validator("objectives")
    @classmethod
    def _in_order(cls, objectives: tuple[Objective, ...]) -> tuple[Objective, ...]:
        """Their order means nothing, so it is in no key."""
        return tuple(sorted(objectives))

    @model_validator(mode="after")
    def _steps_fit_objectives(self) -> Self:
        if len(set(self.objectives)) < len(self.objectives):
            raise ValueError(f"objectives {' '.join(self.objectives)} name one twice")
        if {"mlm", "clm"} & set(self.objectives) and not self.mono_steps:
            raise ValueError("objectives mlm and clm need mono_steps of at least 1")
        if "tlm" in self.objectives and not self.pair_steps:
            raise ValueError("objective tlm needs pair_steps of at least 1")
        if self.pair_tokens < self.languages_per_batch:
            raise ValueError(f"{self.pair_tokens} pair tokens are less than one a language")
        if self.stream_rows % self.languages_per_batch:
            raise ValueError(
                f"{self.stream_rows} stream rows are not {self.languages_per_batch} equal parts"
            )
        return self


class PretrainSlice(Config):
    """All that decides the pretrained weights beside the shards and the vocabulary."""

    languages: tuple[str, ...] = Field(description="Languages in the order of their ids.")
    model: ModelConfig = Field(description="Sizes of the encoder.")
    pretrain: PretrainConfig = Field(description="Objectives, batches, schedule.")
    warm_start: str = Field(
        default="", description="Kind and digest of what the weights start from; empty: nothing."
    )
