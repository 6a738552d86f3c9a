"""Settings of pretraining; the defaults are the paper's where it states them."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from xlm.config.training.guards import GuardConfig, OverfitConfig
from xlm.config.training.model import ModelConfig
from xlm.config.training.optimizer import OptimizerConfig, ScheduleConfig
from xlm.engine.config import Config, added, operational

Objective = Literal["clm", "mlm", "tlm"]
"""Causal, masked and translation language modeling (paper 3.2 to 3.4)."""


class PretrainConfig(Config):
    """Objectives, batches, schedule, hardware.

    "Changes rounding" marks settings that change the order of floating-point sums, so the weights
    differ in their last bits.
    """

    recipe: Literal["faithful", "fast"] | None = operational(
        None,
        description="Named set of settings (docs/explanation/recipes.md): `faithful`, the "
        "original's rules, or `fast`. Later settings override it. Keys contain the settings, not "
        "this name.",
    )
    objectives: tuple[Objective, ...] = Field(
        default=("mlm", "tlm"),
        min_length=1,
        description="Masked, translation and causal language modeling (mlm, tlm, clm).",
    )
    seed: int = Field(
        default=0, ge=0, lt=2**63, description="Seed of weights, data order, masks and dropout."
    )
    updates: int = Field(
        default=200_000,
        ge=1,
        description="Maximum number of optimizer updates (the authors did not publish theirs).",
    )

    stream_tokens: int = Field(
        default=256, ge=4, description="Tokens per stream sequence (paper 5.1: 256)."
    )
    stream_rows: int = Field(
        default=64,
        ge=1,
        description="Stream sequences per global batch (paper 5.1: 64).",
    )
    pair_tokens: int = Field(
        default=4000,
        ge=16,
        description="Tokens without padding per global batch of pairs (paper 5.1: 4,000).",
    )
    pair_max_tokens: int = Field(
        default=100,
        ge=1,
        description="Maximum number of tokens per side of a training pair (original: 100). Longer "
        "pairs are dropped, also those that exceed model.max_positions.",
    )
    pair_order: Literal["by_length", "shuffled"] = Field(
        default="by_length",
        description="Order of the pairs: batches of similar length (the original, which pads to "
        "the longest) or shuffled. Padding costs no computation in either order.",
    )
    languages_per_batch: int = Field(
        default=1,
        ge=1,
        description="Number of languages (or directed pairs) drawn for a global batch; each gets "
        "an equal part (original: 1 per GPU).",
    )
    mono_steps: int = Field(
        default=5,
        ge=0,
        description="MLM updates, and CLM updates, per iteration (original: 5, at most one per "
        "language).",
    )
    pair_steps: int = Field(
        default=5,
        ge=0,
        description="TLM updates per iteration (original: 5, at most one per direction).",
    )
    language_alpha: float = Field(
        default=0.7,
        ge=0,
        le=1,
        description="Exponent of the language shares, which are proportional to lines (paper 3.1).",
    )

    mlm_mask_rate: float = Field(
        default=0.15, gt=0, lt=1, description="Fraction of stream tokens to predict (paper 3.3)."
    )
    tlm_mask_rate: float = Field(
        default=0.15, gt=0, lt=1, description="Fraction of pair tokens to predict (paper 3.4)."
    )
    sample_alpha: float = Field(
        default=0.5,
        ge=0,
        le=2,  # for counts up to 1e19, single precision still distinguishes the weights from 0
        description="Tokens are selected for prediction with weight count^-alpha (paper 3.3: 0.5); "
        "0: uniformly, with </s> and <unk>.",
    )
    masking: Literal["batch", "rows"] = Field(
        default="batch",
        description="How positions to predict are selected: batch: among all positions of a "
        "language's part of the batch, on the CPU (the original); rows: in each sequence, on the "
        "device.",
    )
    predict_specials: bool = Field(
        default=True,
        description="Select </s> and <unk> for prediction too if sample_alpha is 0 (as the "
        "original does). The sample profile sets false to help its small model.",
    )

    optimizer: OptimizerConfig = Field(default=OptimizerConfig(), description="Adam.")
    schedule: ScheduleConfig = Field(
        default=ScheduleConfig(), description="Learning rate schedule."
    )

    validation_updates: int = Field(
        default=6250,
        ge=1,
        description="Updates between validations (default: the original's epoch, 200,000 sequences "
        "in batches of 32).",
    )
    validation_max_chunks: int | None = Field(
        default=None,
        ge=1,
        description="Maximum number of stream sequences per language in a validation; null: the "
        "original's rule.",
    )
    validation_max_pairs: int | None = Field(
        default=None,
        ge=1,
        description="Maximum number of pairs per language pair in a validation; null: the "
        "original's rule.",
    )
    validate_specials: bool | None = Field(
        default=None,
        description="Include </s> and <unk> in validation. null: if training may select them; "
        "true: always, as the original, so that perplexities include ids that are not trained if "
        "sample_alpha > 0.",
    )
    patience: int | None = Field(
        default=10,
        ge=0,
        description="Stop early after more than this number of validations without a better mean "
        "perplexity (original: 10); null: never.",
    )
    keep: Literal["best", "last"] = Field(
        default="best",
        description="Publish the weights of the best validation, or of the last update.",
    )
    revision_updates: int | None = added(
        None,
        ge=1,
        description="Updates between weights that are kept in the artifact, to publish them as "
        "revisions (docs/how-to/publish-a-model.md); null: keep none.",
    )
    metrics_updates: int = Field(default=50, ge=1, description="Updates per line of metrics.jsonl.")

    device: Literal["cpu", "cuda"] = Field(default="cpu", description="Device of every process.")
    precision: Literal["fp32", "bf16", "fp16"] = Field(
        default="fp32",
        description="Precision of matrix products; fp16 uses loss scaling; bf16 and fp16 are slow "
        "on most CPUs.",
    )
    tf32: bool = Field(
        default=False,
        description="Use TF32 for fp32 matrix products on GPUs (mantissas of 10 bits).",
    )
    micro_batch_tokens: int | None = Field(
        default=None,
        ge=1,
        description="Maximum number of positions, with padding, per forward pass of a process; "
        "gradients are accumulated. null: no limit. Changes rounding.",
    )
    compile: bool = Field(
        default=False,
        description="Compile the model with torch.compile. For GPUs; needs a C++ compiler. Dropout "
        "then depends on the number of processes.",
    )
    recompute_activations: bool = Field(
        default=False,
        description="Recompute the activations of each layer in the backward pass: about 25% more "
        "work, much less memory.",
    )
    processes: int = Field(
        default=1,
        ge=1,
        description="Number of training processes, which share each batch. Changes rounding.",
    )
    resize: bool = added(
        False,
        description="Continue an unfinished run that differs only in its number of processes, "
        "from its newest checkpoint. The manifest records how many processes did which updates.",
    )
    threads_per_process: int = Field(
        default=1, ge=1, description="CPU threads per process. Changes rounding."
    )

    warm_start: str | None = operational(
        None,
        description="Model to start from: a .pth file of the original, a Hugging Face folder, or a "
        "model artifact of this pipeline (docs/how-to/start-from-a-checkpoint.md). The "
        "contents are part of the key, the path is not. null: start from model.initialisation.",
    )

    checkpoint_updates: int = operational(1000, ge=1, description="Updates between checkpoints.")
    keep_checkpoints: int = operational(
        2, ge=1, description="Number of checkpoints to keep in the scratch directory."
    )
    collective_timeout_seconds: float = operational(
        1800,
        gt=0,
        le=30 * 24 * 3600,
        description="Time limit for a process that waits for another one, seconds; then training "
        "ends with an error.",
    )
    save_seconds: float = operational(
        30,
        gt=0,
        description="Time limit for saving the state after a request to stop, seconds; then the "
        "processes are killed. Large models need more.",
    )
    speed_updates: int = operational(25, ge=1, description="Updates between progress reports.")
    timeout_seconds: float | None = operational(
        None, gt=0, description="Time limit for training, seconds; null: no limit."
    )

    guard: GuardConfig = Field(
        default=GuardConfig(), description="Guards against spikes, NaN and collapse."
    )
    overfit_check: OverfitConfig = operational(
        OverfitConfig(), description="Overfit check on one batch before the first update."
    )
    tensorboard: bool = operational(True, description="Write TensorBoard event files to the logs.")
    figures: bool = operational(
        True, description="Draw the language mixture and the training curves to the logs."
    )

    @property
    def scores_special_tokens(self) -> bool:
        """Whether validation and evaluation include </s> and <unk>."""
        if self.validate_specials is not None:
            return self.validate_specials
        return self.sample_alpha == 0 and self.predict_specials

    @field_validator("objectives")
    @classmethod
    def _in_order(cls, objectives: tuple[Objective, ...]) -> tuple[Objective, ...]:
        """Sort them: their order has no meaning and must not change the key."""
        return tuple(sorted(objectives))

    @model_validator(mode="after")
    def _revisions_end_before_the_last_update(self) -> Self:
        if self.revision_updates is not None and self.revision_updates >= self.updates:
            raise ValueError(
                f"revision_updates {self.revision_updates} keeps no weights, because updates is "
                f"{self.updates}; lower the first, or set it to null"
            )
        return self

    @model_validator(mode="after")
    def _steps_fit_objectives(self) -> Self:
        if len(set(self.objectives)) < len(self.objectives):
            names = " ".join(self.objectives)
            raise ValueError(f"objectives {names} contain a duplicate; list each once")
        if {"mlm", "clm"} & set(self.objectives) and not self.mono_steps:
            raise ValueError("objectives mlm and clm need mono_steps of 1 or more")
        if "tlm" in self.objectives and not self.pair_steps:
            raise ValueError("objective tlm needs pair_steps of 1 or more")
        if self.pair_tokens < self.languages_per_batch:
            raise ValueError(
                f"pair_tokens {self.pair_tokens} is less than languages_per_batch "
                f"{self.languages_per_batch}; raise the first or lower the second"
            )
        if self.stream_rows % self.languages_per_batch:
            raise ValueError(
                f"stream_rows {self.stream_rows} is not a multiple of languages_per_batch "
                f"{self.languages_per_batch}; change one of them"
            )
        return self


class PretrainSlice(Config):
    """Settings that determine the pretrained weights."""

    languages: tuple[str, ...] = Field(description="Languages in the order of their ids.")
    model: ModelConfig = Field(description="Sizes of the encoder.")
    pretrain: PretrainConfig = Field(description="Objectives, batches, schedule.")
    warm_start: str = Field(
        default="", description="Format and digest of the model to start from; empty: none."
    )
    copied: bool = added(False, description="Whether that model is used as it is.")
