"""What is known of a run, in the terms of its card; `evidence.py` reads it from the artifacts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from xlm.config.training.pretrain import PretrainConfig
from xlm.config.training.release import ReleaseConfig
from xlm.config.training.xnli import FinetuneConfig
from xlm.display.plotting import Series
from xlm.model.formats.description import ModelDescription
from xlm.release.fertility import LanguageShare
from xlm.xnli.results.records import Results
from xlm.xnli.results.tables import task_name


@dataclass(frozen=True)
class SourceFacts:
    """One downloaded file."""

    unit: str
    """Id of its download: `wikipedia.sw`, `ntrex.en`, `xnli`."""
    name: str
    url: str
    licence: str
    size_bytes: int | None
    is_head: bool = False
    """Whether only the file's first bytes were taken."""


@dataclass(frozen=True)
class DataFacts:
    """Training data of one language or pair."""

    unit: str
    lines: int
    tokens: int


@dataclass(frozen=True)
class MachineFacts:
    """What a stage's `run.json` says: measured, never part of a digest."""

    wall_seconds: float | None = None
    peak_memory_bytes: int | None = None
    tokens_per_second: float | None = None
    system: str = ""
    cores: int | None = None


@dataclass(frozen=True)
class RunFacts:
    """Everything that cards and plots are made from."""

    release: ReleaseConfig
    synthetic: bool
    description: ModelDescription
    merges: int
    pretrain: PretrainConfig
    trained: tuple[str, ...]
    """Objectives that pretraining updates trained: some of those that `pretrain` names."""
    finetune: FinetuneConfig
    sources: tuple[SourceFacts, ...]
    data: tuple[DataFacts, ...]
    results: Results
    losses: Mapping[str, Series]
    perplexities: Mapping[str, Series]
    """By language code."""
    counts: Mapping[str, Mapping[str, int | float | str]]
    """Counts of the manifests of pretrain, finetune and evaluate, by stage."""
    machines: Mapping[str, MachineFacts]
    """By stage: pretrain, finetune, evaluate."""
    vocabulary: Mapping[str, LanguageShare] = field(default_factory=dict)
    """How each language fares with the vocabulary, by code; empty: not counted."""
    segmenters: Mapping[str, str] = field(default_factory=dict)
    """Tool, version and model that segmented a language without spaces, by code."""
    warm_start: str = ""
    """Kind and digest of the model that pretraining started from; empty: none."""

    @property
    def task(self) -> str:
        """What the classifier was fine-tuned and tested on."""
        return task_name(synthetic=self.synthetic)
