"""The training curves of several runs in one figure.

draw_curves(Path("curves.png"), {"base": curves_of(directory), ...})
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from xlm.display.plotting import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    Series,
    Style,
    label_ends,
    log_scale,
    new_figure,
    prepare_axes,
    save_figure,
)
from xlm.training.records.curves import Curves, mean_series
from xlm.training.records.plots import thin_out

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7", "#56B4E9", INK, "#F0E442", GREY)
"""Okabe and Ito's; the limit of runs that one figure can show."""
_STYLES = ("-", "--", ":")
_DOTS_PER_INCH = 100


def draw_curves(path: Path, runs: Mapping[str, Curves]) -> None:
    """Draw the training losses and the mean validation perplexity of at most eight runs.

    Each run has its colour, each objective its line style.
    """
    style = Style(_DOTS_PER_INCH)
    figure = new_figure(style, width=12.0, height=4.8)
    left, right = figure.subplots(1, 2)
    prepare_axes(left, "Training loss", "update", "nats per predicted token")
    prepare_axes(right, "Validation perplexity, mean of languages", "update", "log scale")
    objectives = sorted({name for curves in runs.values() for name in curves.losses})
    losses: list[tuple[Series, str, str]] = []
    perplexities: list[tuple[Series, str, str]] = []
    for (label, curves), colour in zip(runs.items(), COLOURS, strict=False):
        for name, series in curves.losses.items():
            line = _STYLES[objectives.index(name) % len(_STYLES)]
            _draw(left, thin_out(series), colour, line)
            losses.append((series, f"{label} {name}", colour))
        if (mean := mean_series(curves.perplexities)) is not None:
            _draw(right, mean, colour, "-")
            perplexities.append((mean, label, colour))
    if perplexities:
        log_scale(right)
    label_ends(left, losses)
    label_ends(right, perplexities)
    save_figure(figure, path, style)


def _draw(axes: "Axes", series: Series, colour: str, line: str) -> None:
    marker = "o" if len(series.updates) == 1 else ""
    axes.plot(series.updates, series.values, color=colour, linestyle=line, marker=marker)
