"""The plots of a run. Each is drawn in a worker process.

In workers, matplotlib caches its font list in the store's cache; the parent would use $HOME.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from xlm.config.languages.names import name_of
from xlm.display.plotting import Style
from xlm.release.card.facts import RunFacts
from xlm.release.figures.accuracy_plot import AccuracyBar, plot_accuracy
from xlm.release.figures.fertility_plot import plot_fertility
from xlm.training.records.plots import plot_training

TRAINING_NAME = "training.png"
ACCURACY_NAME = "accuracy.png"


@dataclass(frozen=True)
class Figure:
    """One figure to draw."""

    kind: Literal["training", "accuracy", "fertility"]
    path: Path
    facts: RunFacts
    style: Style


def draw_figure(figure: Figure) -> None:
    """Draw and write one figure; runs in a worker process."""
    facts = figure.facts
    if figure.kind == "training":
        perplexities = {name_of(code, facts.names): s for code, s in facts.perplexities.items()}
        plot_training(figure.path, facts.losses, perplexities, figure.style)
        return
    if figure.kind == "fertility":
        shares = {name_of(code, facts.names): share for code, share in facts.vocabulary.items()}
        plot_fertility(figure.path, shares, figure.style)
        return
    bars = [
        AccuracyBar(
            name=name_of(row.code, facts.names),
            accuracy=scores.accuracy,
            low=scores.low,
            high=scores.high,
            paper=row.paper,
        )
        for row in facts.results.languages
        if (scores := row.test or row.dev) is not None
    ]
    plot_accuracy(
        figure.path,
        bars,
        figure.style,
        task=facts.task,
        labels=len(facts.results.labels),
        confidence=facts.results.confidence,
    )
