"""Assigns a sentence to train, valid or test: a pure function of its text and the seed.

    Thresholds.fixed(valid=0.01, test=0.01).split(position("The cat sat.", seed=42))   # "train"

The normalised English sentence decides for a pair, with the same seed and fractions for ALL pairs.
In a corpus that is parallel in 15 languages, a test sentence of one pair is therefore never a
training sentence of another pair.
"""

import hashlib
import unicodedata
from dataclasses import dataclass
from typing import Literal

Split = Literal["train", "valid", "test"]

HASH_RANGE = 1 << 64
"""Positions and ranks are in [0, HASH_RANGE)."""
_DIGEST_BYTES = 8


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Low positions go to valid, high ones to test, those between to train."""

    train: int
    """The lowest position in train."""
    test: int
    """The lowest position in test."""

    @classmethod
    def fixed(cls, *, valid: float, test: float) -> "Thresholds":
        """Thresholds for these fractions of all possible sentences."""
        return cls(train=int(valid * HASH_RANGE), test=HASH_RANGE - int(test * HASH_RANGE))

    def split(self, position: int) -> Split:
        """The split of a position."""
        if position < self.train:
            return "valid"
        return "test" if position >= self.test else "train"


def position(text: str, seed: int) -> int:
    """A hash of a text and the seed, uniform in [0, HASH_RANGE); it decides the split."""
    return _hash(text.encode("utf-8"), seed, b"side")


def rank(text: str, number: int, seed: int) -> int:
    """A second hash that orders the shuffled lines; line `number` separates equal texts."""
    return _hash(text.encode("utf-8") + b"\x00%d" % number, seed, b"order")


def normalised(sentence: str) -> str:
    """Normalise a sentence for comparison: NFKC, case folded, only letters and digits.

    A sentence without letters and digits is only stripped.
    """
    folded = unicodedata.normalize("NFKC", sentence).casefold()
    return "".join(filter(str.isalnum, folded)) or sentence.strip()


def _hash(content: bytes, seed: int, purpose: bytes) -> int:
    key = b"%d" % seed
    digest = hashlib.blake2b(content, digest_size=_DIGEST_BYTES, key=key, person=purpose)
    return int.from_bytes(digest.digest(), "big")
