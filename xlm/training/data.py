"""The ids of a split in memory: lines by language, pairs by pair.

corpus = load_corpus("train", mono={"sw": shards}, pairs={}, vocabulary_hash=vocabulary.hash)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xlm.shards.reader import Lines, Pairs, read_lines, read_pairs


@dataclass(frozen=True)
class Corpus:
    """One split of all languages and pairs that a model learns from."""

    mono: Mapping[str, Lines]
    """Lines by language, each with its EOS."""
    pairs: Mapping[str, Pairs]
    """Sentence pairs by pair, without EOS."""


def load_corpus(
    split: str,
    *,
    mono: Mapping[str, Path],
    pairs: Mapping[str, Path],
    vocabulary_hash: str,
) -> Corpus:
    """Read a split from its shards, languages and pairs in alphabetical order.

    Raises:
        DataError: a split is missing, or made with another vocabulary.
    """
    return Corpus(
        mono={code: read_lines(mono[code], split, vocabulary_hash) for code in sorted(mono)},
        pairs={pair: read_pairs(pairs[pair], split, vocabulary_hash) for pair in sorted(pairs)},
    )
