"""The ids that a model trains on, and the held-out ids that it is evaluated on.

    data = open_training_data({"sw": shards}, {}, config, description, context.scratch / "ids")
    held_out = load_held_out_data("valid", mono={"sw": shards}, pairs={}, vocabulary_hash=hash)

Training data stay on disk in flat files (xlm/shards/random_access/flat_copy.py). Held-out splits
have a maximum size and are read into memory.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xlm.config.training.pretrain import PretrainConfig
from xlm.dataloader.sampling.pairs import longest_side
from xlm.model.formats.description import ModelDescription
from xlm.shards.lines import Lines, Pairs
from xlm.shards.random_access.flat_copy import (
    FlatLines,
    FlatPairs,
    open_flat_lines,
    open_flat_pairs,
)
from xlm.shards.reader import ShardReader, read_lines, read_pairs


@dataclass(frozen=True)
class TrainingData:
    """The train split of all languages and pairs that a run's objectives need, on disk."""

    mono: Mapping[str, FlatLines]
    """Lines by language, each with its EOS."""
    pairs: Mapping[str, FlatPairs]
    """Usable sentence pairs by pair name, without EOS."""


@dataclass(frozen=True)
class HeldOutData:
    """One held-out split of all languages and pairs, in memory."""

    mono: Mapping[str, Lines]
    """Lines by language, each with its EOS."""
    pairs: Mapping[str, Pairs]
    """Sentence pairs by pair name, without EOS."""


def open_training_data(
    mono: Mapping[str, Path],
    pairs: Mapping[str, Path],
    config: PretrainConfig,
    description: ModelDescription,
    folder: Path,
    *,
    digests: Mapping[Path, str] | None = None,
    share: tuple[int, int] = (0, 1),
) -> TrainingData:
    """Open the train split of the shards, languages and pairs in alphabetical order.

    Args:
        folder: where the flat files are written, 4 bytes a token; all processes of a run share it.
        digests: sha256 of shards, which are then not hashed again.
        share: rank of this process and number of processes: each begins with other languages, so
            that they do not wait for each other's files.

    Raises:
        DataError: a split is missing, damaged, or made with another vocabulary.
        StoreError: the folder's disk has no space for the ids.
    """
    longest = longest_side(config, description.model.max_positions)

    def reader(directory: Path) -> ShardReader:
        return ShardReader(
            directory, "train", description.vocabulary_hash, description.vocabulary_size, digests
        )

    languages = sorted(mono) if {"clm", "mlm"} & set(config.objectives) else []
    names = sorted(pairs) if "tlm" in config.objectives else []
    lines = {
        code: open_flat_lines(reader(mono[code]), folder, code)
        for code in _from_own_part(languages, *share)
    }
    sentences = {
        name: open_flat_pairs(reader(pairs[name]), folder, name, longest_side=longest)
        for name in _from_own_part(names, *share)
    }
    return TrainingData(
        mono={code: lines[code] for code in languages},
        pairs={name: sentences[name] for name in names},
    )


def _from_own_part(names: list[str], rank: int, world_size: int) -> list[str]:
    """The names in their order, from where the part of this process begins."""
    first = rank * len(names) // world_size
    return names[first:] + names[:first]


def load_held_out_data(
    split: str,
    *,
    mono: Mapping[str, Path],
    pairs: Mapping[str, Path],
    vocabulary_hash: str,
) -> HeldOutData:
    """Read a held-out split from its shards, languages and pairs in alphabetical order.

    Raises:
        DataError: a split is missing, or made with another vocabulary.
    """
    return HeldOutData(
        mono={code: read_lines(mono[code], split, vocabulary_hash) for code in sorted(mono)},
        pairs={pair: read_pairs(pairs[pair], split, vocabulary_hash) for pair in sorted(pairs)},
    )
