"""The configuration of a run: one section for each stage or group of stages."""

from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from xlm.config.compute import ComputeConfig
from xlm.config.data.bpe import BpeConfig, VocabularyConfig
from xlm.config.data.cleaning import CleaningConfig
from xlm.config.data.corpora import LATEST
from xlm.config.data.extract import ExtractConfig
from xlm.config.data.sample import SampleConfig
from xlm.config.data.shards import ShardsConfig
from xlm.config.data.sources import SourcesConfig
from xlm.config.data.split import SplitConfig
from xlm.config.data.tasks import PawsxTask, Task, XnliTask, require_languages
from xlm.config.data.text import TextConfig
from xlm.config.languages.declared import DeclaredLanguage, Languages, split_declarations
from xlm.config.languages.pairs import (
    ENGLISH,
    XNLI_LANGUAGES,
    split_pair,
    unknown_language,
)
from xlm.config.launcher.launcher import LauncherConfig
from xlm.config.lineage import LineageConfig
from xlm.config.store import StoreConfig
from xlm.config.training.classification import EvaluateConfig, FinetuneConfig
from xlm.config.training.model import ModelConfig
from xlm.config.training.pretrain import PretrainConfig
from xlm.config.training.release import MASKED_LM_FOLDER, ReleaseConfig
from xlm.config.training.sweep import XnliConfig
from xlm.engine.config import Config
from xlm.errors import ConfigError


def _default_task(fields: dict[str, Any]) -> XnliTask | None:
    """The task of a profile without `classify`, given the fields before it."""
    sources = fields.get("sources", SourcesConfig())
    return XnliTask() if ENGLISH in fields.get("languages", ()) and not sources.text else None


class PipelineConfig(Config):
    """The complete configuration of a run, independent of the machine."""

    languages: tuple[str, ...] = Field(
        description="Language codes; a mapping such as {code: xx, tokenizer: en} declares one "
        "that is not in the table. The alphabetical order determines the language ids."
    )
    declared_languages: tuple[DeclaredLanguage, ...] = Field(
        (), description="Declared languages: the mappings in `languages`."
    )
    sample: SampleConfig | None = Field(
        None, description="Synthetic sample world; null: use real data."
    )
    sources: SourcesConfig = Field(SourcesConfig(), description="Sources to download.")
    extract: ExtractConfig = Field(ExtractConfig(), description="Extraction of plain text.")
    cleaning: CleaningConfig = Field(
        CleaningConfig(), description="Lines that are dropped before the split; by default none."
    )
    split: SplitConfig = Field(SplitConfig(), description="Splits train, valid and test.")
    text: TextConfig = Field(TextConfig(), description="Tokenization.")
    bpe: BpeConfig = Field(BpeConfig(), description="BPE merges.")
    vocabulary: VocabularyConfig = Field(VocabularyConfig(), description="Size of the vocabulary.")
    shards: ShardsConfig = Field(ShardsConfig(), description="Parquet shards.")
    model: ModelConfig = Field(ModelConfig(), description="Encoder.")
    pretrain: PretrainConfig = Field(PretrainConfig(), description="Pretraining.")
    classify: Task | None = Field(
        default_factory=_default_task,
        description="Classification task: {task: xnli}, {task: pawsx} or {task: files, ...}; "
        "null: the run ends with a published language model. By default XNLI if English is among "
        "the languages and sources.text is empty.",
    )
    xnli: XnliConfig = Field(
        XnliConfig(), description="Settings of the paper, if XNLI is the task."
    )
    finetune: FinetuneConfig = Field(FinetuneConfig(), description="Fine-tuning on the task.")
    evaluate: EvaluateConfig = Field(EvaluateConfig(), description="Evaluation.")
    release: ReleaseConfig = Field(ReleaseConfig(), description="Model card and release.")

    launcher: LauncherConfig = Field(
        LauncherConfig(), description="Where training, fine-tuning and evaluation run; in no key."
    )
    compute: ComputeConfig = Field(
        ComputeConfig(), description="Where the items of the data stages run; in no key."
    )
    store: StoreConfig = Field(
        StoreConfig(), description="Store that several machines share; in no key."
    )
    lineage: LineageConfig = Field(
        LineageConfig(), description="Lineage events of a run; in no key."
    )

    @model_validator(mode="before")
    @classmethod
    def _move_declarations(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not isinstance(values.get("languages"), list | tuple):
            return values
        known = values.get("declared_languages") or ()
        if not isinstance(known, list | tuple):
            return values
        codes, declared = split_declarations(values["languages"])
        return {**values, "languages": codes, "declared_languages": [*known, *declared]}

    @field_validator("languages")
    @classmethod
    def _sorted_languages(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        if not codes:
            raise ConfigError("languages is empty", fix="list at least one, e.g. [en, sw]")
        return tuple(sorted(set(codes)))

    @property
    def table(self) -> Languages:
        """The languages that this configuration can name: known and declared ones."""
        return Languages.of(self.declared_languages)

    @model_validator(mode="after")
    def _known_languages(self) -> "PipelineConfig":
        declared = [one.code for one in self.declared_languages]
        for code in declared:
            if declared.count(code) > 1:
                raise ConfigError(
                    f"languages: {code} is declared twice", fix="keep one of the declarations"
                )
        listed = (c.pairs for c in self.sources.parallel if c.pairs != "all")
        named = {
            "languages": self.languages,
            "text.segmenters": tuple(self.text.segmenters),
            "sources.parallel": tuple(
                code for pairs in listed for pair in pairs for code in split_pair(pair)
            ),
            "sources.text": tuple(source.language for source in self.sources.text),
        }
        for setting, codes in named.items():
            for code in codes:
                if code not in self.table:
                    raise unknown_language(code, f"{setting}: ")
        return self

    @model_validator(mode="after")
    def _languages_have_text(self) -> "PipelineConfig":
        if self.finetune.encoder is not None:
            return self
        with_text = {*mono_languages(self), *(c for p in pairs(self) for c in split_pair(p))}
        for code in self.languages:
            if code not in with_text:
                raise ConfigError(
                    f"languages: {code} has no text: no Wikipedia, no own text, no pair",
                    fix="add a source of it to sources, or remove it from languages",
                )
        return self

    @model_validator(mode="after")
    def _encoder_has_a_task(self) -> "PipelineConfig":
        if self.finetune.encoder is None:
            return self
        if self.classify is None:
            raise ConfigError(
                "finetune.encoder is set, but classify is null, so there is nothing to fine-tune",
                fix="set classify, e.g. classify.task=xnli",
            )
        if self.finetune.mix_pretraining:
            raise ConfigError(
                "finetune.mix_pretraining needs the text of pretraining, which a run with "
                "finetune.encoder does not have",
                fix="set finetune.mix_pretraining=0",
            )
        return self

    @model_validator(mode="after")
    def _task_fits(self) -> "PipelineConfig":
        require_languages(self.classify, self.languages)
        if self.sample is not None and isinstance(self.classify, PawsxTask):
            raise ConfigError(
                f"classify: the sample world does not contain {PawsxTask.title}",
                fix="use {task: xnli}, or a profile of real data (mini15)",
            )
        return self

    @model_validator(mode="after")
    def _evaluation_rows_exist(self) -> "PipelineConfig":
        if self.cleaning.decontaminate and self.classify is None:
            raise ConfigError(
                "cleaning.decontaminate is true, but classify is null, so there are no dev and "
                "test rows to look for",
                fix="set classify, e.g. classify.task=xnli, or cleaning.decontaminate=false",
            )
        return self

    @model_validator(mode="after")
    def _settings_have_translations(self) -> "PipelineConfig":
        others = [setting for setting in self.xnli.settings if setting != "zero-shot"]
        if others and not isinstance(self.classify, XnliTask):
            raise ConfigError(
                f"xnli.settings has {others[0]}, but the task is not XNLI",
                fix="set classify.task=xnli, or remove it from xnli.settings",
            )
        if "translate-test" in others and isinstance(self.classify, XnliTask):
            for setting, codes in (
                ("classify.train", self.classify.train),
                ("languages", self.languages),
            ):
                if ENGLISH not in codes:
                    raise ConfigError(
                        f"xnli.settings has translate-test, whose test rows are in English, but "
                        f"{setting} has no {ENGLISH}",
                        fix="add it, or remove translate-test",
                    )
        return self

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
    def _official_merges_are_uncased(self) -> "PipelineConfig":
        if self.text.cased and self.bpe.source == "official":
            raise ConfigError(
                "text.cased is true, but bpe.source is official, whose merges are lower-case",
                fix="remove one of them",
            )
        return self

    @model_validator(mode="after")
    def _merges_have_a_source(self) -> "PipelineConfig":
        if self.bpe.source == "checkpoint" and self.pretrain.warm_start is None:
            raise ConfigError(
                "bpe.source is checkpoint, but pretrain.warm_start is not set",
                fix="set it to the model that has the merges and the vocabulary",
            )
        if self.bpe.source != "checkpoint" and self.vocabulary.new_tokens:
            raise ConfigError(
                f"vocabulary.new_tokens is {self.vocabulary.new_tokens}, but bpe.source is "
                f"{self.bpe.source}",
                fix="set bpe.source=checkpoint, or vocabulary.size instead",
            )
        return self

    @model_validator(mode="after")
    def _one_world(self) -> "PipelineConfig":
        if self.sample is not None and self.sources.all_mirrors:
            raise ConfigError(
                "sample and sources.mirror are both set, but the sample world is its own mirror",
                fix="remove one of them, or use the profile mini15",
            )
        return self

    @model_validator(mode="after")
    def _world_has_a_date(self) -> "PipelineConfig":
        wikipedia = self.sources.wikipedia
        if self.sample is not None and wikipedia is not None and wikipedia.date == LATEST:
            raise ConfigError(
                "sources.wikipedia.date is latest, but the sample world has no other date",
                fix="name any date as YYYYMMDD, or use the profile mini15",
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


def text_languages(config: PipelineConfig) -> tuple[str, ...]:
    """The languages that the run may use text of: none if it only fine-tunes."""
    return () if config.finetune.encoder is not None else config.languages


def mono_languages(config: PipelineConfig) -> tuple[str, ...]:
    """The languages with monolingual text, in the order of their ids."""
    languages = text_languages(config)
    wikipedias = config.sources.wikipedias(languages, config.table)
    return tuple(code for code in languages if code in wikipedias or config.sources.own_text(code))


def pairs(config: PipelineConfig) -> tuple[str, ...]:
    """The pairs that have a parallel corpus, alphabetical."""
    return config.sources.pairs(text_languages(config))


def source_of_encoder(config: PipelineConfig) -> Path | None:
    """The model to fine-tune without pretraining; None: the run pretrains."""
    return _model(config.finetune.encoder)


def source_of_weights(config: PipelineConfig) -> Path | None:
    """The model that pretraining starts from; None: it starts from random weights."""
    return _model(config.pretrain.warm_start)


def source_of_subwords(config: PipelineConfig) -> Path | None:
    """The model with the merges and the vocabulary of the run; None: they are not a model's."""
    if encoder := source_of_encoder(config):
        return encoder
    return source_of_weights(config) if config.bpe.source == "checkpoint" else None


def _model(path: str | None) -> Path | None:
    """The absolute path of a model; of a publish artifact, its masked language model."""
    if path is None:
        return None
    found = Path(path).expanduser().absolute()
    inside = found / MASKED_LM_FOLDER
    return inside if inside.is_dir() and not (found / "config.json").exists() else found
