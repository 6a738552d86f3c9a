"""The configuration of a run: one section for each stage or group of stages."""

from pydantic import Field, field_validator, model_validator

from xlm.config.data.bpe import BpeConfig, VocabularyConfig
from xlm.config.data.extract import ExtractConfig
from xlm.config.data.sample import SampleConfig
from xlm.config.data.shards import ShardsConfig
from xlm.config.data.sources import SourcesConfig
from xlm.config.data.split import SplitConfig
from xlm.config.data.text import TextConfig
from xlm.config.languages.pairs import XNLI_LANGUAGES, language
from xlm.config.training.classification import EvaluateConfig, FinetuneConfig
from xlm.config.training.model import ModelConfig
from xlm.config.training.pretrain import PretrainConfig
from xlm.config.training.release import ReleaseConfig
from xlm.engine.config import Config
from xlm.errors import ConfigError


class PipelineConfig(Config):
    """The complete configuration of a run, independent of the machine."""

    languages: tuple[str, ...] = Field(
        description="Language codes. Their alphabetical order determines the language ids."
    )
    sample: SampleConfig | None = Field(
        None, description="Synthetic sample world; null: use real data."
    )
    sources: SourcesConfig = Field(SourcesConfig(), description="Sources to download.")
    extract: ExtractConfig = Field(ExtractConfig(), description="Extraction of plain text.")
    split: SplitConfig = Field(SplitConfig(), description="Splits train, valid and test.")
    text: TextConfig = Field(TextConfig(), description="Tokenization.")
    bpe: BpeConfig = Field(BpeConfig(), description="BPE merges.")
    vocabulary: VocabularyConfig = Field(VocabularyConfig(), description="Size of the vocabulary.")
    shards: ShardsConfig = Field(ShardsConfig(), description="Parquet shards.")
    model: ModelConfig = Field(ModelConfig(), description="Encoder.")
    pretrain: PretrainConfig = Field(PretrainConfig(), description="Pretraining.")
    finetune: FinetuneConfig = Field(FinetuneConfig(), description="Fine-tuning on XNLI.")
    evaluate: EvaluateConfig = Field(EvaluateConfig(), description="Evaluation.")
    release: ReleaseConfig = Field(ReleaseConfig(), description="Model card and release.")

    @field_validator("languages")
    @classmethod
    def _known_languages(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        for code in codes:
            language(code)
        if not codes:
            raise ConfigError("languages is empty", fix="list at least one, e.g. [en, sw]")
        return tuple(sorted(set(codes)))

    @model_validator(mode="after")
    def _world_has_languages(self) -> "PipelineConfig":
        missing = [code for code in self.languages if code not in XNLI_LANGUAGES]
        if self.sample is not None and missing:
            raise ConfigError(
                f"languages: the sample world does not contain {' '.join(missing)}",
                fix=f"use only {' '.join(XNLI_LANGUAGES)}, or a profile of real data (mini15)",
            )
        return self

    @model_validator(mode="after")
    def _one_world(self) -> "PipelineConfig":
        if self.sample is not None and self.sources.mirror is not None:
            raise ConfigError(
                "sample and sources.mirror are both set, but the sample world is its own mirror",
                fix="remove one of them, or use the profile mini15",
            )
        return self

    @model_validator(mode="after")
    def _streams_fit_positions(self) -> "PipelineConfig":
        tokens, positions = self.pretrain.stream_tokens, self.model.max_positions
        if tokens > positions:
            raise ConfigError(
                f"pretrain.stream_tokens {tokens} is more than model.max_positions {positions}",
                fix=f"lower the first to {positions} or less, or raise the second",
            )
        return self


def pairs(config: PipelineConfig) -> tuple[str, ...]:
    """The pairs of English and another language that have a parallel corpus, alphabetical."""
    return config.sources.pairs(config.languages)
