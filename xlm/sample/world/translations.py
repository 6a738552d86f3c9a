"""Parallel sentences of the sample world, its only text that aligns two languages.

Both sides have independent word orders, so a model must find translations by meaning.
"""

from collections.abc import Iterator

from xlm.config.data.sample import SampleConfig
from xlm.sample.world.sentences import compose, draw_order
from xlm.sample.world.situations import combinations_of, draw_kind, draw_situation, make_rng


def translations(config: SampleConfig, language: str) -> Iterator[tuple[str, str]]:
    """Yield pairs of an English sentence and its translation into `language`."""
    rng = make_rng(config, "translations", language)
    training_combinations = combinations_of("train")
    for _ in range(config.parallel_sentences):
        situation = draw_situation(
            rng, config, rng.choice(training_combinations), draw_kind(rng), draw_kind(rng)
        )
        yield (
            compose("en", situation, draw_order(rng)),
            compose(language, situation, draw_order(rng)),
        )
