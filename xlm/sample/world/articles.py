"""Articles of the sample world: what the language model reads of each language alone.

An article stays in one kind of place and one season, and each sentence tends to keep the subject
or the predicate of the one before. So masked words can be guessed from neighbouring sentences, and
phrases of one kind share their company: this is where a model learns what entails what.
"""

from collections.abc import Iterator
from random import Random

from xlm.config.data.sample import SampleConfig
from xlm.sample.world.lexicon import PREDICATES, SUBJECTS
from xlm.sample.world.sentences import compose, compose_title, draw_order
from xlm.sample.world.situations import (
    Cell,
    Circumstance,
    Situation,
    cells_of,
    draw_kind,
    draw_situation,
    draw_specific,
    random_stream,
    split_of,
)

Article = tuple[str, list[str]]
"""Title, paragraphs (one sentence each)."""


def articles(config: SampleConfig, language: str) -> Iterator[Article]:
    """The articles of a language, their own in each: no article translates another."""
    chance = random_stream(config, "articles", language)
    training_cells = cells_of("train")
    titles: set[str] = set()
    for _ in range(config.articles):
        place_kind, time_kind = draw_kind(chance), draw_kind(chance)
        cell = chance.choice(training_cells)
        title = _draw_title(chance, language, cell, place_kind, time_kind)
        while title in titles:
            place_kind, time_kind = draw_kind(chance), draw_kind(chance)
            cell = chance.choice(training_cells)
            title = _draw_title(chance, language, cell, place_kind, time_kind)
        titles.add(title)
        paragraphs = []
        for _ in range(config.sentences_per_article):
            cell = _next_cell(chance, cell, config.keep_share)
            situation = draw_situation(chance, config, cell, place_kind, time_kind)
            paragraphs.append(compose(language, situation, draw_order(chance)))
        yield title, paragraphs


def _next_cell(chance: Random, cell: Cell, keep_share: float) -> Cell:
    """A training cell that keeps subject and predicate each with probability `keep_share`."""
    while True:
        subject = cell[0] if chance.random() < keep_share else chance.randrange(SUBJECTS)
        predicate = cell[1] if chance.random() < keep_share else chance.randrange(PREDICATES)
        if split_of((subject, predicate)) == "train":
            return subject, predicate


def _draw_title(chance: Random, language: str, cell: Cell, place_kind: int, time_kind: int) -> str:
    """A title that tells all four parts: there are enough of them to be unique without numbers."""
    situation = Situation(
        *cell,
        place=Circumstance(place_kind, draw_specific(chance), general=False),
        time=Circumstance(time_kind, draw_specific(chance), general=False),
    )
    return compose_title(language, situation, draw_order(chance))
