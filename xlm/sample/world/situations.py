"""The meanings of the sample world's sentences, independent of the language.

A situation has a subject, a predicate, and a place, a time or both. Each combination of subject and
predicate belongs to one split. Combinations of "dev" and "test" do not occur in articles, parallel
sentences or training pairs, so every evaluated premise is new in every language.
"""

from dataclasses import dataclass
from random import Random
from typing import Literal

from xlm.config.data.sample import SampleConfig
from xlm.sample.world.lexicon import KINDS, PREDICATES, SPECIFICS, SUBJECTS

Split = Literal["train", "dev", "test"]
Combination = tuple[int, int]
"""Index of the subject, index of the predicate."""


@dataclass(frozen=True, slots=True)
class Circumstance:
    """A place or a time, named by its general phrase, a specific phrase, or both."""

    kind: int
    specific: int | None
    general: bool


@dataclass(frozen=True, slots=True)
class Situation:
    """One event. Without a subject it is "someone", without a predicate "does something"."""

    subject: int | None
    predicate: int | None
    place: Circumstance | None
    time: Circumstance | None


def split_of(combination: Combination) -> Split:
    """The split of a combination: of the 12 of each subject or predicate, 2 are test and 2 dev.

    5 and 12 are coprime, so each predicate occurs with the same number of training subjects, and
    each subject with the same number of training predicates. No single word determines the split.
    """
    subject, predicate = combination
    remainder = (subject + 5 * predicate) % 12
    if remainder < 2:
        return "test"
    return "dev" if remainder < 4 else "train"


def combinations_of(split: Split) -> tuple[Combination, ...]:
    """All combinations of a split."""
    every = ((s, p) for s in range(SUBJECTS) for p in range(PREDICATES))
    return tuple(combination for combination in every if split_of(combination) == split)


def make_rng(config: SampleConfig, *names: str) -> Random:
    """Return the RNG of one purpose, which is the same on every platform and for every hash seed.

    `random.seed` hashes a text with SHA-512 (documented for version 2), not with `hash`.
    """
    return Random("/".join(("xlm sample world", str(config.seed), *names)))


def draw_situation(
    rng: Random, config: SampleConfig, combination: Combination, place_kind: int, time_kind: int
) -> Situation:
    """Draw a situation with the subject and predicate of `combination`, or without them."""
    place: Circumstance | None = _draw_circumstance(rng, config, place_kind)
    time: Circumstance | None = _draw_circumstance(rng, config, time_kind)
    if rng.random() >= config.place_and_time_share:
        if rng.random() < 0.5:
            place = None
        else:
            time = None
    subject, predicate = combination
    return Situation(
        subject=None if rng.random() < config.generic_share else subject,
        predicate=None if rng.random() < config.generic_share else predicate,
        place=place,
        time=time,
    )


def draw_kind(rng: Random) -> int:
    """Draw a kind of place or time; all kinds are equally frequent.

    Places and times have equal numbers of kinds and phrases, and occur in the same positions. The
    text of one language alone therefore does not show which phrases are places and which are times.
    """
    return rng.randrange(KINDS)


def draw_specific(rng: Random) -> int:
    """Draw a specific phrase of a kind; all are equally frequent."""
    return rng.randrange(SPECIFICS)


def _draw_circumstance(rng: Random, config: SampleConfig, kind: int) -> Circumstance:
    specific = draw_specific(rng)
    if rng.random() < config.general_with_specific_share:
        return Circumstance(kind, specific, general=True)
    if rng.random() < config.general_share:
        return Circumstance(kind, None, general=True)
    return Circumstance(kind, specific, general=False)
