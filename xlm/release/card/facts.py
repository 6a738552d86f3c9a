"""The facts of a run that cards and plots show; `read_facts` reads them from the artifacts."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from xlm.classification.results.records import Results
from xlm.config.languages.names import Names
from xlm.config.languages.pairs import ENGLISH
from xlm.config.training.classification import FinetuneConfig
from xlm.config.training.pretrain import PretrainConfig
from xlm.config.training.release import ReleaseConfig
from xlm.display.plotting import Series
from xlm.model.formats.description import ModelDescription
from xlm.release.costs import StageTimes
from xlm.release.fertility import VocabularyCoverage

OWN_ROWS = "classify"
"""Unit of the user's labelled files, which no download has."""


@dataclass(frozen=True)
class SourceFacts:
    """One downloaded file, or local files of one source."""

    unit: str
    """Unit of the download stage: `wikipedia.sw`, `ntrex.en`, `xnli`; or NAME.LANGUAGE."""
    name: str
    url: str
    """Empty: local files."""
    licence: str
    size_bytes: int | None
    is_head: bool = False
    """Whether only the first part of the file was downloaded."""
    sha256: str = ""
    """Of the bytes that were downloaded; empty: not recorded."""
    citation: str = ""
    """The publication to cite; empty if none is known."""
    date: str = ""
    """Day of the download, YYYY-MM-DD; a measured value."""


@dataclass(frozen=True)
class DataFacts:
    """Size of the training data of one language or pair."""

    unit: str
    lines: int
    tokens: int


def is_trained_on(unit: str, objectives: Collection[str]) -> bool:
    """Whether pretraining with the objectives learns from a language, or from a pair."""
    return "tlm" in objectives if "-" in unit else any(one != "tlm" for one in objectives)


@dataclass(frozen=True)
class CleaningFacts:
    """What cleaning dropped from the text of one language or pair."""

    unit: str
    lines: int
    """Before cleaning."""
    kept: int
    dropped: Mapping[str, int]
    """Reason to number of lines: `duplicate`."""


@dataclass(frozen=True)
class MachineFacts:
    """Costs and machine of one stage, from its `run.json`; they are not part of a digest."""

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
    """Number of BPE merges."""
    pretrain: PretrainConfig
    trained: tuple[str, ...]
    """Objectives that pretraining updated; `pretrain` may list others that had no data.

    Empty if the encoder is that of another model.
    """
    finetune: FinetuneConfig | None
    """None without a classifier."""
    sources: tuple[SourceFacts, ...]
    data: tuple[DataFacts, ...]
    """All languages and pairs, also those that trained nothing."""
    results: Results
    losses: Mapping[str, Series]
    perplexities: Mapping[str, Series]
    """Validation perplexity by language code."""
    counts: Mapping[str, Mapping[str, int | float | str]]
    """Counts in the manifests of pretrain, finetune and evaluate, by stage."""
    machines: Mapping[str, MachineFacts]
    """Costs by stage: pretrain, finetune, evaluate."""
    vocabulary: Mapping[str, VocabularyCoverage] = field(default_factory=dict)
    """Coverage of the vocabulary by language code; empty if it was not counted."""
    segmenters: Mapping[str, str] = field(default_factory=dict)
    """Tool, version and model of the word segmenter, by language code."""
    names: Names = field(default_factory=dict)
    """Names of the languages that the profile declares, by code."""
    cased: bool = False
    """Whether text keeps case and accents."""
    own_text: frozenset[str] = frozenset()
    """Units of sources that are the user's own monolingual text."""
    kind: Literal["xnli", "pawsx", "files"] | None = "xnli"
    """The classification task; None without a classifier."""
    is_paired: bool = True
    """Whether the classifier reads two sentences."""
    cleaning: tuple[CleaningFacts, ...] = ()
    """What was dropped before the split; empty without cleaning."""
    costs: Mapping[str, StageTimes] = field(default_factory=dict)
    """Measured times by stage, of all stages that led to the model."""
    tools: Mapping[str, str] = field(default_factory=dict)
    """Versions of the packages that trained the model, by name."""
    warm_start: str = ""
    """Format and digest of the model that initialized pretraining; empty for random weights."""

    has_foreign_merges: bool = False
    """Whether merges and vocabulary are those of another model."""

    @property
    def pretraining_data(self) -> tuple[DataFacts, ...]:
        """The languages and pairs that pretraining learned from."""
        return tuple(one for one in self.data if is_trained_on(one.unit, self.trained))

    @property
    def is_copied(self) -> bool:
        """Whether the encoder is that of another model, and this run did not train it."""
        return bool(self.warm_start) and not self.counts.get("pretrain", {}).get("updates", 1)

    @property
    def training_languages(self) -> str:
        """The languages of the training rows, for a sentence: `English`, `de and en`."""
        codes = self.results.training_languages
        return "English" if codes == (ENGLISH,) else " and ".join(codes)

    @property
    def training_rows(self) -> str:
        """What the classifier was fine-tuned on: `English sentence pairs`."""
        rows = "sentence pairs" if self.is_paired else "sentences"
        named = self.training_languages
        return f"English {rows}" if named == "English" else f"{rows} in {named}"

    @property
    def task(self) -> str:
        """Name of the task that the classifier was fine-tuned and tested on; empty without one."""
        return self.results.task or ""
