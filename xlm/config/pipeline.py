"""The configuration of a whole run, assembled from one model per stage."""

from pydantic import Field, field_validator, model_validator

from xlm.config.data.bpe import BpeConfig, VocabularyConfig
from xlm.config.data.corpus import ExtractConfig, SplitConfig
from xlm.config.data.sample import SampleConfig
from xlm.config.data.shards import ShardsConfig
from xlm.config.data.sources import SourcesConfig
from xlm.config.data.text import TextConfig
from xlm.config.languages.pairs import XNLI_LANGUAGES, language
from xlm.config.training.model import ModelConfig
from xlm.config.training.pretrain import PretrainConfig
from xlm.config.training.release import ReleaseConfig
from xlm.config.training.xnli import EvaluateConfig, FinetuneConfig
from xlm.engine.config import Config
from xlm.errors import ConfigError


class PipelineConfig(Config):
    """Everything that a run is, whatever machine it runs on."""

    languages: tuple[str, ...] = Field(
        description="Language codes; their alphabetical order gives the model's language ids."
    )
    sample: SampleConfig | None = Field(
        None, description="The synthetic world to learn from; null: the data are the hosts'."
    )
    sources: SourcesConfig = Field(SourcesConfig(), description="What is downloaded.")
    extract: ExtractConfig = Field(ExtractConfig(), description="Downloads to plain text.")
    split: SplitConfig = Field(SplitConfig(), description="Train, valid and test.")
    text: TextConfig = Field(TextConfig(), description="Tokenization.")
    bpe: BpeConfig = Field(BpeConfig(), description="Byte-pair codes.")
    vocabulary: VocabularyConfig = Field(VocabularyConfig(), description="Size of the vocabulary.")
    shards: ShardsConfig = Field(ShardsConfig(), description="Parquet files.")
    model: ModelConfig = Field(ModelConfig(), description="Sizes of the encoder.")
    pretrain: PretrainConfig = Field(PretrainConfig(), description="Pretraining.")
    finetune: FinetuneConfig = Field(FinetuneConfig(), description="Fine-tuning on XNLI.")
    evaluate: EvaluateConfig = Field(EvaluateConfig(), description="Evaluation.")
    release: ReleaseConfig = Field(ReleaseConfig(), description="Model card and names.")

    @field_validator("languages")
    @classmethod
    def _known_languages(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        for code in codes:
            language(code)
        if not codes:
            raise ConfigError("languages: there is none", fix="name one at least, as `en sw`")
        return tuple(sorted(set(codes)))

    @model_validator(mode="after")
    def _world_has_languages(self) -> "PipelineConfig":
        missing = [code for code in self.languages if code not in XNLI_LANGUAGES]
        if self.sample is not None and missing:
            raise ConfigError(
                f"languages: the sample world has no {' '.join(missing)}",
                fix=f"keep to {' '.join(XNLI_LANGUAGES)}, or take a profile of real data (mini15)",
            )
        return self

    @model_validator(mode="after")
    def _one_world(self) -> "PipelineConfig":
        if self.sample is not None and self.sources.mirror is not None:
            raise ConfigError(
                "sample and sources.mirror are both set: the sample world is its own mirror",
                fix="drop one of them, or choose the profile mini15",
            )
        return self

    @model_validator(mode="after")
    def _streams_fit_positions(self) -> "PipelineConfig":
        tokens, positions = self.pretrain.stream_tokens, self.model.max_positions
        if tokens > positions:
            raise ConfigError(
                f"pretrain.stream_tokens {tokens} is more than model.max_positions {positions}",
                fix=f"lower the first to {positions} at most, or raise the second",
            )
        return self


def pairs(config: PipelineConfig) -> tuple[str, ...]:
    """The pairs of English and another language that have a parallel source, alphabetical."""
    return config.sources.pairs(config.languages)
