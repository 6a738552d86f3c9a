"""NLI pairs of the sample world.

The premise names a subject, a predicate, and a specific place or time. The hypothesis names a
general place or time. Each sentence describes one event with one place and one time:

* entailment: the premise has a phrase of the kind that the hypothesis names (in the kitchen, in a
  building);
* contradiction: its phrase is of the other kind (in the kitchen, in the open);
* neutral: the premise names a place and the hypothesis a time, or the reverse.

The hypothesis may use "someone" or "does something", independently of the label. Premise and
hypothesis share no place or time phrase. Every premise and every hypothesis occurs equally often
with each label, so only the relation between the MEANINGS of two phrases determines the label. A
classifier that is trained in English therefore works in another language only if the model has
aligned the two languages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from xlm.config.data.sample import SampleConfig
from xlm.sample.world.lexicon import languages
from xlm.sample.world.sentences import compose, draw_order
from xlm.sample.world.situations import (
    Circumstance,
    Combination,
    Situation,
    Split,
    combinations_of,
    draw_kind,
    draw_specific,
    make_rng,
)

Label = Literal["contradiction", "neutral", "entailment"]
Row = tuple[str, str, str]
"""Premise, hypothesis, label."""

LABELS: tuple[Label, ...] = ("contradiction", "neutral", "entailment")


@dataclass(frozen=True, slots=True)
class NliPair:
    """One NLI pair, independent of the language; the word orders are the same in all languages."""

    premise: Situation
    hypothesis: Situation
    label: Label
    premise_order: int
    hypothesis_order: int

    def in_language(self, language: str) -> Row:
        """Write premise and hypothesis in `language`."""
        return (
            compose(language, self.premise, self.premise_order),
            compose(language, self.hypothesis, self.hypothesis_order),
            self.label,
        )


def nli_pairs(config: SampleConfig, split: Split) -> list[NliPair]:
    """Draw the pairs of a split with balanced labels; the meanings in dev and test are unique."""
    count = {"train": config.train_pairs, "dev": config.dev_pairs, "test": config.test_pairs}[split]
    rng = make_rng(config, "inference", split)
    combinations = combinations_of(split)
    seen: set[tuple[Situation, Situation]] = set()
    items: list[NliPair] = []
    while len(items) < count:
        item = _draw_nli_pair(rng, combinations, LABELS[len(items) % len(LABELS)])
        meaning = item.premise, item.hypothesis
        if split != "train" and meaning in seen:
            continue
        seen.add(meaning)
        items.append(item)
    rng.shuffle(items)
    return items


def training_rows(config: SampleConfig, language: str) -> list[Row]:
    """Training rows; in languages other than English they stand for machine translations."""
    return [item.in_language(language) for item in nli_pairs(config, "train")]


def evaluation_rows(config: SampleConfig, split: Split) -> Mapping[str, Sequence[Row]]:
    """Rows of dev or test in all languages; row i is the same pair in each."""
    items = nli_pairs(config, split)
    return {language: [item.in_language(language) for item in items] for language in languages()}


def _draw_nli_pair(rng: Random, combinations: Sequence[Combination], label: Label) -> NliPair:
    subject, predicate = rng.choice(combinations)
    premise_has_place = rng.random() < 0.5
    kind, specific = draw_kind(rng), draw_specific(rng)
    hypothesis_kind = draw_kind(rng)
    if label != "neutral":
        hypothesis_kind = kind if label == "entailment" else 1 - kind
    hypothesis_has_place = premise_has_place == (label != "neutral")
    premise = _situation(
        subject, predicate, Circumstance(kind, specific, general=False), place=premise_has_place
    )
    hypothesis = _situation(
        subject if rng.random() < 0.5 else None,
        predicate if rng.random() < 0.5 else None,
        Circumstance(hypothesis_kind, None, general=True),
        place=hypothesis_has_place,
    )
    return NliPair(premise, hypothesis, label, draw_order(rng), draw_order(rng))


def _situation(
    subject: int | None, predicate: int | None, named: Circumstance, *, place: bool
) -> Situation:
    return Situation(subject, predicate, named if place else None, None if place else named)
