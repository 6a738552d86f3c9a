"""Parallel sentences of the sample world: the only place where two languages meet.

Each side takes a word order of its own, so that a translation is found by meaning, not by position.
"""

from collections.abc import Iterator

from xlm.config.data.sample import SampleConfig
from xlm.sample.world.sentences import compose, draw_order
from xlm.sample.world.situations import cells_of, draw_kind, draw_situation, random_stream


def translations(config: SampleConfig, language: str) -> Iterator[tuple[str, str]]:
    """Pairs of an English sentence and its translation into `language`."""
    chance = random_stream(config, "translations", language)
    training_cells = cells_of("train")
    for _ in range(config.parallel_sentences):
        situation = draw_situation(
            chance, config, chance.choice(training_cells), draw_kind(chance), draw_kind(chance)
        )
        yield (
            compose("en", situation, draw_order(chance)),
            compose(language, situation, draw_order(chance)),
        )
