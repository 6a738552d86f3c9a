"""What a sentence of the sample world says, apart from any language.

A situation has a subject, a predicate, and a place, a time or both. Cells (subject, predicate) are
divided once and for all: those of "dev" and "test" occur in no article, parallel sentence or
training pair, so every evaluated premise is a new combination in every language.
"""

from dataclasses import dataclass
from random import Random
from typing import Literal

from xlm.config.data.sample import SampleConfig
from xlm.sample.world.lexicon import KINDS, PREDICATES, SPECIFICS, SUBJECTS

Split = Literal["train", "dev", "test"]
Cell = tuple[int, int]
"""Index of the subject, index of the predicate."""


@dataclass(frozen=True, slots=True)
class Circumstance:
    """A place or a time: its kind, told by the general phrase, a specific one, or both."""

    kind: int
    specific: int | None
    general: bool


@dataclass(frozen=True, slots=True)
class Situation:
    """One event. No subject means "someone", no predicate "does something"."""

    subject: int | None
    predicate: int | None
    place: Circumstance | None
    time: Circumstance | None


def split_of(cell: Cell) -> Split:
    """The split of a cell: of every 12, 2 are test and 2 dev, whatever the subject or predicate.

    Five is prime to twelve, so each predicate meets the same number of training subjects and each
    subject the same number of training predicates: neither word alone tells the split.
    """
    subject, predicate = cell
    remainder = (subject + 5 * predicate) % 12
    if remainder < 2:
        return "test"
    return "dev" if remainder < 4 else "train"


def cells_of(split: Split) -> tuple[Cell, ...]:
    """All cells of a split."""
    every = ((s, p) for s in range(SUBJECTS) for p in range(PREDICATES))
    return tuple(cell for cell in every if split_of(cell) == split)


def random_stream(config: SampleConfig, *names: str) -> Random:
    """A generator of its own for each purpose, the same on every platform and hash seed.

    A text seed goes through SHA-512 (documented for `random.seed`, version 2), not through `hash`.
    """
    return Random("/".join(("xlm sample world", str(config.seed), *names)))


def draw_situation(
    chance: Random, config: SampleConfig, cell: Cell, place_kind: int, time_kind: int
) -> Situation:
    """A situation of running text, with the subject and predicate of `cell` or their generics."""
    place: Circumstance | None = _draw_circumstance(chance, config, place_kind)
    time: Circumstance | None = _draw_circumstance(chance, config, time_kind)
    if chance.random() >= config.place_and_time_share:
        if chance.random() < 0.5:
            place = None
        else:
            time = None
    subject, predicate = cell
    return Situation(
        subject=None if chance.random() < config.generic_share else subject,
        predicate=None if chance.random() < config.generic_share else predicate,
        place=place,
        time=time,
    )


def draw_kind(chance: Random) -> int:
    """A kind of place or time; all are equally frequent, as are the specifics of each.

    Places and times have as many kinds and phrases and stand in the same positions. So nothing in
    the text of one language alone tells which class of words is which class of another language.
    """
    return chance.randrange(KINDS)


def draw_specific(chance: Random) -> int:
    """A specific phrase of a kind."""
    return chance.randrange(SPECIFICS)


def _draw_circumstance(chance: Random, config: SampleConfig, kind: int) -> Circumstance:
    specific = draw_specific(chance)
    if chance.random() < config.general_with_specific_share:
        return Circumstance(kind, specific, general=True)
    if chance.random() < config.general_share:
        return Circumstance(kind, None, general=True)
    return Circumstance(kind, specific, general=False)
