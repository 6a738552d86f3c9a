"""Reading shards back as flat numpy arrays, one split at a time.

train = read_lines(shards, "train", vocabulary.hash)
train.ids[train.offsets[3] : train.offsets[4]]  # the fourth line, EOS at its end
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Lines:
    """Lines of ids, laid end to end.

    `ids` is int32; `offsets` is int64 with one entry more than there are lines, line i being
    `ids[offsets[i] : offsets[i + 1]]`.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1


@dataclass(frozen=True)
class Pairs:
    """Aligned lines of two languages, alphabetical; no EOS anywhere."""

    languages: tuple[str, str]
    first: Lines
    second: Lines


@dataclass(frozen=True)
class InferencePairs:
    """XNLI rows: no EOS anywhere; labels are 0 contradiction, 1 neutral, 2 entailment."""

    premise: Lines
    hypothesis: Lines
    labels: NDArray[np.int8]


def read_lines(directory: Path, split: str, vocabulary_hash: str) -> Lines:
    """All lines of a language's split, each followed by EOS (id 1), as XLM's binarised files.

    Raises:
        DataError: no such split, or shards made with another vocabulary.
    """
    raise NotImplementedError


def read_pairs(directory: Path, split: str, vocabulary_hash: str) -> Pairs:
    """All pairs of a split, without EOS.

    Raises:
        DataError: no such split, or shards made with another vocabulary.
    """
    raise NotImplementedError


def read_inference_pairs(directory: Path, split: str, vocabulary_hash: str) -> InferencePairs:
    """All XNLI rows of a split, without EOS.

    Raises:
        DataError: no such split, or shards made with another vocabulary.
    """
    raise NotImplementedError
