"""Plots of a run: losses, perplexities, learning rate and gradient norm.

plot_curves(logs / "curves.png", curves, Style(100))      # four panels, while the run trains
plot_training(path, curves.losses, perplexities, style)   # two panels, for the model card
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from xlm.config.languages.names import name_of
from xlm.display.markdown import table
from xlm.display.plotting import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    Series,
    Style,
    draw_series,
    label_ends,
    log_scale,
    new_figure,
    prepare_axes,
    save_figure,
)
from xlm.training.records.curves import Curves, mean_series

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_training(
    path: Path, losses: Mapping[str, Series], perplexities: Mapping[str, Series], style: Style
) -> None:
    """Plot the training loss of each objective and the validation perplexity of each language.

    Args:
        losses: losses in nats per predicted token, by objective.
        perplexities: perplexities by language name; their mean is plotted too.
    """
    figure = new_figure(style, width=10.0, height=4.4)
    left, right = figure.subplots(1, 2)
    _draw_losses(left, losses)
    _draw_perplexities(right, "Validation perplexity", perplexities)
    save_figure(figure, path, style)


def plot_curves(path: Path, curves: Curves, style: Style) -> None:
    """Plot losses, perplexities, learning rate and gradient norm in one figure."""
    figure = new_figure(style, width=10.0, height=7.6)
    (losses, perplexities), (rate, norm) = figure.subplots(2, 2)
    _draw_losses(losses, {name: thin_out(series) for name, series in curves.losses.items()})
    _draw_perplexities(
        perplexities,
        "Validation perplexity",
        {_language_name(unit): s for unit, s in curves.perplexities.items()},
    )
    _draw_one(rate, "Learning rate", "of the layers", curves.learning_rate)
    _draw_one(norm, "Gradient norm", "before clipping, mean of a line", curves.gradient_norm)
    if curves.gradient_norm and min(curves.gradient_norm.values) > 0:
        log_scale(norm)
    save_figure(figure, path, style)


def curve_cells(curves: Curves) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Header and cells of a table: the newest and the lowest value of each curve."""
    mean = mean_series(curves.perplexities)
    shown = [(f"loss, {name}", series) for name, series in curves.losses.items()]
    shown += [("perplexity, mean", mean)] if mean else []
    shown += [
        (f"perplexity, {_language_name(unit)}", series)
        for unit, series in curves.perplexities.items()
    ]
    for name, one in (("learning rate", curves.learning_rate), ("norm", curves.gradient_norm)):
        shown += [(name, one)] if one else []
    rows: list[tuple[str, ...]] = [
        (name, f"{series.updates[-1]:,}", f"{series.values[-1]:.4g}", f"{min(series.values):.4g}")
        for name, series in shown
    ]
    return ("curve", "update", "newest", "lowest"), rows


def curves_markdown(curves: Curves, picture: str = "") -> str:
    """A document with the picture, and the table of the curves."""
    values = table(*curve_cells(curves))
    return "\n\n".join(part for part in ("## Curves", picture, values) if part) + "\n"


def thin_out(series: Series, most: int = 400) -> Series:
    """Means of neighbouring points, if there are more than `most`.

    A run of weeks has tens of thousands of points, and their noise hides the trend.
    """
    size = math.ceil(len(series.values) / most)
    if size <= 1:
        return series
    starts = range(0, len(series.values), size)
    groups = [series.values[start : start + size] for start in starts]
    return Series(
        tuple(series.updates[start : start + size][-1] for start in starts),
        tuple(sum(group) / len(group) for group in groups),
    )


def _draw_losses(axes: "Axes", losses: Mapping[str, Series]) -> None:
    prepare_axes(axes, "Training loss", "update", "nats per predicted token")
    ends = []
    for (name, series), colour in zip(losses.items(), (BLUE, ORANGE, GREEN), strict=False):
        draw_series(axes, series, colour, 1.8)
        ends.append((series, name, colour))
    label_ends(axes, ends)


def _draw_perplexities(axes: "Axes", title: str, perplexities: Mapping[str, Series]) -> None:
    prepare_axes(axes, title, "update", "perplexity, log scale")
    for series in perplexities.values():
        draw_series(axes, series, GREY, 1.0)
    mean = mean_series(perplexities)
    if mean is not None:
        draw_series(axes, mean, BLUE, 2.4)
    log_scale(axes)
    label_ends(axes, _labelled(perplexities, mean))


def _draw_one(axes: "Axes", title: str, unit: str, series: Series | None) -> None:
    prepare_axes(axes, title, "update", unit)
    if series:
        draw_series(axes, thin_out(series), BLUE, 1.4)


def _labelled(
    perplexities: Mapping[str, Series], mean: Series | None
) -> list[tuple[Series, str, str]]:
    """The curves to label: the mean, and the languages with the best and the worst last value."""
    ends = [(series, "mean", BLUE) for series in (mean,) if series is not None]
    if len(perplexities) > 1:
        ordered = sorted(perplexities.items(), key=lambda item: (item[1].values[-1], item[0]))
        ends += [(series, name, INK) for name, series in (ordered[0], ordered[-1])]
    return ends


def _language_name(unit: str) -> str:
    name = name_of(unit)
    return name.replace("_", "-") if name == unit else name
