"""On which side of the split a sentence falls: a pure function of its text and the seed.

    Thresholds.fixed(valid=0.01, test=0.01).side(position("The cat sat.", seed=42))   # "train"

Pairs are decided by their English sentence as it is compared (`normalised`), with the same seed and
the same fractions for ALL pairs: a corpus that is parallel in 15 languages then never shows a test
sentence of one pair among the training sentences of another.
"""

import hashlib
import unicodedata
from dataclasses import dataclass
from typing import Literal

Side = Literal["train", "valid", "test"]

WHOLE = 1 << 64
"""Positions and ranks lie in [0, WHOLE)."""
_DIGEST_BYTES = 8


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The lowest positions validate, the highest test, those between train."""

    train: int
    """The lowest position that trains."""
    test: int
    """The lowest position that tests."""

    @classmethod
    def fixed(cls, *, valid: float, test: float) -> "Thresholds":
        """Thresholds that give these shares of all possible sentences."""
        return cls(train=int(valid * WHOLE), test=WHOLE - int(test * WHOLE))

    def side(self, position: int) -> Side:
        """The side of a position."""
        if position < self.train:
            return "valid"
        return "test" if position >= self.test else "train"


def position(text: str, seed: int) -> int:
    """Where a text falls between 0 and `WHOLE`: evenly, and always the same."""
    return _hash(text.encode("utf-8"), seed, b"side")


def rank(text: str, number: int, seed: int) -> int:
    """Where line `number` stands in the shuffled order; equal texts stand apart."""
    return _hash(text.encode("utf-8") + b"\x00%d" % number, seed, b"order")


def normalised(sentence: str) -> str:
    """A sentence as it is compared: letters and digits only, compatibility forms and case folded.

    A sentence without any letter or digit is compared as it is.
    """
    folded = unicodedata.normalize("NFKC", sentence).casefold()
    return "".join(filter(str.isalnum, folded)) or sentence.strip()


def _hash(content: bytes, seed: int, purpose: bytes) -> int:
    key = b"%d" % seed
    digest = hashlib.blake2b(content, digest_size=_DIGEST_BYTES, key=key, person=purpose)
    return int.from_bytes(digest.digest(), "big")
