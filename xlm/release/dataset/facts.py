"""The facts of the training data that a data card and its Croissant metadata show.

units = read_units({"sw": shards_of_sw, "en-sw": shards_of_pairs})
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from xlm.config.data.tasks import SPLITS
from xlm.config.data.translations import original_of
from xlm.config.languages.names import Names, name_with_code
from xlm.config.training.release import ReleaseConfig
from xlm.release.card.facts import CleaningFacts, SourceFacts
from xlm.release.card.sections.data import FINE_TUNING_SOURCES
from xlm.store.manifest import read_manifest


class SplitCounts(NamedTuple):
    """The size of one split."""

    lines: int
    """Lines, pairs or labelled rows."""
    tokens: int
    unknown: int
    """Tokens that are not in the vocabulary."""


@dataclass(frozen=True)
class UnitFacts:
    """The shards of one language, pair or language of the task."""

    unit: str
    splits: Mapping[str, SplitCounts]


@dataclass(frozen=True)
class DatasetFacts:
    """Everything that a data card shows."""

    release: ReleaseConfig
    synthetic: bool
    sources: tuple[SourceFacts, ...]
    units: tuple[UnitFacts, ...]
    objectives: tuple[str, ...]
    """Objectives of pretraining; empty if the encoder is that of another model."""
    alpha: float
    """Exponent of the language sampling (`pretrain.language_alpha`)."""
    vocabulary_size: int
    vocabulary_hash: str
    cleaning: tuple[CleaningFacts, ...] = ()
    names: Names = field(default_factory=dict)
    segmenters: Mapping[str, str] = field(default_factory=dict)
    cased: bool = False
    rebuild: str = "xlm run --profile PROFILE --until shard"
    """The command that makes the shards again."""

    @property
    def for_pretraining(self) -> "DatasetFacts":
        """The same facts without the rows and sources of the classification task."""
        return replace(
            self,
            sources=tuple(one for one in self.sources if one.unit not in FINE_TUNING_SOURCES),
            units=tuple(one for one in self.units if "." not in one.unit),
        )


def unit_title(unit: str, names: Names) -> str:
    """A language with its name, translations with their original; other units as they are."""
    if "." not in unit:
        return unit if "-" in unit else name_with_code(unit, names)
    original = original_of(unit)
    return f"{unit} ({unit.partition('.')[0]}.{original} in English)" if original else unit


def read_units(directories: Mapping[str, Path]) -> tuple[UnitFacts, ...]:
    """Read the sizes of all splits from the manifests of shards.

    Raises:
        StoreError: an artifact has no readable manifest.
    """
    return tuple(
        UnitFacts(unit, _splits(read_manifest(directory).counts))
        for unit, directory in directories.items()
    )


def _splits(counts: Mapping[str, int | float | str]) -> dict[str, SplitCounts]:
    return {
        split: SplitCounts(*(int(counts[f"{split}_{name}"]) for name in SplitCounts._fields))
        for split in SPLITS
        if f"{split}_lines" in counts
    }
