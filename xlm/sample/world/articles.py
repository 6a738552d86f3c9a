"""Articles of the sample world: the monolingual text of each language.

An article has one kind of place and one kind of time. Each sentence tends to repeat the subject or
the predicate of the previous one. A model can therefore predict masked words from neighbouring
sentences, and learns from the contexts which phrases are of the same kind.
"""

from collections.abc import Iterator
from random import Random

from xlm.config.data.sample import SampleConfig
from xlm.sample.world.lexicon import PREDICATES, SUBJECTS
from xlm.sample.world.sentences import compose, compose_title, draw_order
from xlm.sample.world.situations import (
    Circumstance,
    Combination,
    Situation,
    combinations_of,
    draw_kind,
    draw_situation,
    draw_specific,
    make_rng,
    split_of,
)

Article = tuple[str, list[str]]
"""Title, paragraphs (one sentence each)."""


def articles(config: SampleConfig, language: str) -> Iterator[Article]:
    """Yield the articles of a language; they are not translations of those of other languages."""
    rng = make_rng(config, "articles", language)
    training_combinations = combinations_of("train")
    titles: set[str] = set()
    for _ in range(config.articles):
        place_kind, time_kind = draw_kind(rng), draw_kind(rng)
        combination = rng.choice(training_combinations)
        title = _draw_title(rng, language, combination, place_kind, time_kind)
        while title in titles:
            place_kind, time_kind = draw_kind(rng), draw_kind(rng)
            combination = rng.choice(training_combinations)
            title = _draw_title(rng, language, combination, place_kind, time_kind)
        titles.add(title)
        paragraphs = []
        for _ in range(config.sentences_per_article):
            combination = _next_cell(rng, combination, config.keep_share)
            situation = draw_situation(rng, config, combination, place_kind, time_kind)
            paragraphs.append(compose(language, situation, draw_order(rng)))
        yield title, paragraphs


def _next_cell(rng: Random, combination: Combination, keep_share: float) -> Combination:
    """Draw a training combination; it repeats subject and predicate with `keep_share` each."""
    while True:
        subject = combination[0] if rng.random() < keep_share else rng.randrange(SUBJECTS)
        predicate = combination[1] if rng.random() < keep_share else rng.randrange(PREDICATES)
        if split_of((subject, predicate)) == "train":
            return subject, predicate


def _draw_title(
    rng: Random, language: str, combination: Combination, place_kind: int, time_kind: int
) -> str:
    """Draw a title that names all four parts, so that enough titles are unique."""
    situation = Situation(
        *combination,
        place=Circumstance(place_kind, draw_specific(rng), general=False),
        time=Circumstance(time_kind, draw_specific(rng), general=False),
    )
    return compose_title(language, situation, draw_order(rng))
