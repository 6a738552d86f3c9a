"""Natural language inference in the sample world.

The premise tells a subject, a predicate and either a specific place or a specific time; the
hypothesis tells a kind of place or a season. By the world's convention a sentence is about one
event, which has one place and one time:

* entailment: the premise's phrase is of the hypothesis' kind (in the kitchen, in a building);
* contradiction: it is of the other kind (in the kitchen, in the open);
* neutral: the premise tells the place and the hypothesis the time, or the reverse.

The hypothesis may say "someone" or "does something"; that is drawn apart from the label. Premise
and hypothesis share no place or time phrase, every premise and every hypothesis has each label
equally often, and only the relation between the MEANINGS of two phrases tells the label. So a
classifier trained in English helps in another language only if the model has aligned the two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from xlm.config.data.sample import SampleConfig
from xlm.sample.world.lexicon import languages
from xlm.sample.world.sentences import compose, draw_order
from xlm.sample.world.situations import (
    Cell,
    Circumstance,
    Situation,
    Split,
    cells_of,
    draw_kind,
    draw_specific,
    random_stream,
)

Label = Literal["contradiction", "neutral", "entailment"]
Row = tuple[str, str, str]
"""Premise, hypothesis, label."""

LABELS: tuple[Label, ...] = ("contradiction", "neutral", "entailment")


@dataclass(frozen=True, slots=True)
class Inference:
    """One item, apart from any language; word orders are drawn with it, the same for all."""

    premise: Situation
    hypothesis: Situation
    label: Label
    premise_order: int
    hypothesis_order: int

    def in_language(self, language: str) -> Row:
        """The item's sentences in `language`, and its label."""
        return (
            compose(language, self.premise, self.premise_order),
            compose(language, self.hypothesis, self.hypothesis_order),
            self.label,
        )


def inferences(config: SampleConfig, split: Split) -> list[Inference]:
    """The items of a split, labels balanced; those of dev and test differ in their meaning."""
    count = {"train": config.train_pairs, "dev": config.dev_pairs, "test": config.test_pairs}[split]
    chance = random_stream(config, "inference", split)
    cells = cells_of(split)
    seen: set[tuple[Situation, Situation]] = set()
    items: list[Inference] = []
    while len(items) < count:
        item = _draw_inference(chance, cells, LABELS[len(items) % len(LABELS)])
        meaning = item.premise, item.hypothesis
        if split != "train" and meaning in seen:
            continue
        seen.add(meaning)
        items.append(item)
    chance.shuffle(items)
    return items


def training_rows(config: SampleConfig, language: str) -> list[Row]:
    """Training rows; those of other languages than English stand for machine translations."""
    return [item.in_language(language) for item in inferences(config, "train")]


def evaluation_rows(config: SampleConfig, split: Split) -> Mapping[str, Sequence[Row]]:
    """Rows of dev or test in all languages; row i is the same item in each."""
    items = inferences(config, split)
    return {language: [item.in_language(language) for item in items] for language in languages()}


def _draw_inference(chance: Random, cells: Sequence[Cell], label: Label) -> Inference:
    subject, predicate = chance.choice(cells)
    premise_tells_place = chance.random() < 0.5
    kind, specific = draw_kind(chance), draw_specific(chance)
    asked_kind = draw_kind(chance)
    if label != "neutral":
        asked_kind = kind if label == "entailment" else 1 - kind
    hypothesis_tells_place = premise_tells_place == (label != "neutral")
    premise = _telling(
        subject, predicate, Circumstance(kind, specific, general=False), place=premise_tells_place
    )
    hypothesis = _telling(
        subject if chance.random() < 0.5 else None,
        predicate if chance.random() < 0.5 else None,
        Circumstance(asked_kind, None, general=True),
        place=hypothesis_tells_place,
    )
    return Inference(premise, hypothesis, label, draw_order(chance), draw_order(chance))


def _telling(
    subject: int | None, predicate: int | None, told: Circumstance, *, place: bool
) -> Situation:
    return Situation(subject, predicate, told if place else None, None if place else told)
