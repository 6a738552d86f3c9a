"""How training went, as figures: from `metrics.jsonl` and the validations, during a run or after.

curves = read_curves(scratch / "metrics.jsonl", state.validations)
plot_curves(logs / "curves.png", curves, Style(100))      # all four panels, for who runs it
plot_training(path, curves.losses, perplexities, style)   # two of them, for the model card
"""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlm.config.languages.pairs import KNOWN_LANGUAGES
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
from xlm.errors import DataError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PERPLEXITY = re.compile(r"valid_(\w+?)_(mlm|clm)_ppl")
"""The original's name of a language's or pair's perplexity (spec 4.4); pairs hold an underscore."""


@dataclass(frozen=True)
class Curves:
    """What a run has recorded so far; points that are no finite numbers are left out."""

    losses: Mapping[str, Series]
    """Training loss in nats by objective (`MLM`, `TLM`)."""
    perplexities: Mapping[str, Series]
    """Validation perplexity by language code; by pair where no language was validated."""
    learning_rate: Series | None
    gradient_norm: Series | None
    """Mean over the updates of a line, before clipping."""


def read_curves(metrics: Path, validations: Iterable[Mapping[str, float]]) -> Curves:
    """The curves of a run.

    Args:
        metrics: lines of step, loss by objective, learning_rate, gradient_norm.
        validations: records `{"step": .., "valid_sw_mlm_ppl": ..}`.

    Raises:
        DataError: a line is no JSON object.
    """
    losses: dict[str, list[tuple[int, float]]] = {}
    rates: list[tuple[int, float]] = []
    norms: list[tuple[int, float]] = []
    for line in metrics.read_bytes().split(b"\n")[:-1]:
        record = parse_record(line, metrics)
        for objective, loss in record.get("loss", {}).items():
            losses.setdefault(objective.upper(), []).append((record["step"], loss))
        for points, name in ((rates, "learning_rate"), (norms, "gradient_norm")):
            if name in record:
                points.append((record["step"], record[name]))
    found = {name: _series(points) for name, points in sorted(losses.items())}
    return Curves(
        losses={name: series for name, series in found.items() if series},
        perplexities=_perplexities(list(validations)),
        learning_rate=_series(rates),
        gradient_norm=_series(norms),
    )


def plot_training(
    path: Path, losses: Mapping[str, Series], perplexities: Mapping[str, Series], style: Style
) -> None:
    """Draw the training loss of each objective and the validation perplexity of each language.

    Args:
        losses: objective to loss in nats a predicted token.
        perplexities: language name to perplexity; their mean is drawn over them.
    """
    figure = new_figure(style, width=10.0, height=4.4)
    left, right = figure.subplots(1, 2)
    _draw_losses(left, losses)
    _draw_perplexities(right, "Validation perplexity", perplexities)
    save_figure(figure, path, style)


def plot_curves(path: Path, curves: Curves, style: Style) -> None:
    """Draw losses, perplexities, learning rate and gradient norm into one figure."""
    figure = new_figure(style, width=10.0, height=7.6)
    (losses, perplexities), (rate, norm) = figure.subplots(2, 2)
    _draw_losses(losses, {name: thinned(series) for name, series in curves.losses.items()})
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


def curves_markdown(curves: Curves, picture: str = "") -> str:
    """The picture first, then the newest and the lowest value of each curve as a table."""
    mean = mean_series(curves.perplexities)
    shown = [(f"loss, {name}", series) for name, series in curves.losses.items()]
    shown += [("perplexity, mean", mean)] if mean else []
    shown += [
        (f"perplexity, {_language_name(unit)}", series)
        for unit, series in curves.perplexities.items()
    ]
    for name, one in (("learning rate", curves.learning_rate), ("norm", curves.gradient_norm)):
        shown += [(name, one)] if one else []
    rows = [
        (name, f"{series.updates[-1]:,}", f"{series.values[-1]:.4g}", f"{min(series.values):.4g}")
        for name, series in shown
    ]
    figures = table(("curve", "update", "newest", "lowest"), rows)
    return "\n\n".join(part for part in ("## Curves", picture, figures) if part) + "\n"


def mean_series(perplexities: Mapping[str, Series]) -> Series | None:
    """The arithmetic mean over languages, as the stop criterion of XLM takes it (spec 4.4).

    Only at updates where every language has a value: a mean of fewer would be another quantity.
    """
    if not perplexities:
        return None
    points = [dict(zip(s.updates, s.values, strict=True)) for s in perplexities.values()]
    shared = sorted(set.intersection(*(set(found) for found in points)))
    if not shared:
        return None
    means = tuple(sum(found[update] for found in points) / len(points) for update in shared)
    return Series(tuple(shared), means)


def thinned(series: Series, most: int = 400) -> Series:
    """Means of neighbours where there are more points than a panel has room for.

    A run of weeks has tens of thousands: their noise would hide their course.
    """
    size = math.ceil(len(series.values) / most)
    if size <= 1:
        return series
    begins = range(0, len(series.values), size)
    groups = [series.values[begin : begin + size] for begin in begins]
    return Series(
        tuple(series.updates[begin : begin + size][-1] for begin in begins),
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
    label_ends(axes, _notable(perplexities, mean))


def _draw_one(axes: "Axes", title: str, unit: str, series: Series | None) -> None:
    prepare_axes(axes, title, "update", unit)
    if series:
        draw_series(axes, thinned(series), BLUE, 1.4)


def _notable(
    perplexities: Mapping[str, Series], mean: Series | None
) -> list[tuple[Series, str, str]]:
    """What is named at its end: the mean, and the languages with the best and the worst end."""
    ends = [(series, "mean", BLUE) for series in (mean,) if series is not None]
    if len(perplexities) > 1:
        ordered = sorted(perplexities.items(), key=lambda item: (item[1].values[-1], item[0]))
        ends += [(series, name, INK) for name, series in (ordered[0], ordered[-1])]
    return ends


def _perplexities(validations: Sequence[Mapping[str, float]]) -> dict[str, Series]:
    points: dict[str, list[tuple[int, float]]] = {}
    for record in validations:
        for name, value in record.items():
            match = _PERPLEXITY.fullmatch(name)
            # Where a run has both objectives, the masked one is what it stops by.
            if match and (match[2] == "mlm" or f"valid_{match[1]}_mlm_ppl" not in record):
                points.setdefault(match[1], []).append((int(record["step"]), value))
    languages = [unit for unit in points if "_" not in unit]
    found = {unit: _series(points[unit]) for unit in languages or points}
    return {unit: series for unit, series in found.items() if series}


def _series(points: Sequence[tuple[int, float]]) -> Series | None:
    finite = [(update, value) for update, value in points if math.isfinite(value)]
    if not finite:
        return None
    updates, values = zip(*finite, strict=True)
    return Series(updates, values)


def _language_name(unit: str) -> str:
    known = KNOWN_LANGUAGES.get(unit)
    return known.name if known else unit.replace("_", "-")


def parse_record(content: bytes, path: Path) -> dict[str, Any]:
    """A JSON object of a run's files.

    Raises:
        DataError: it is none.
    """
    try:
        record = json.loads(content)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise DataError(f"{path} is not readable JSON", fix="rebuild the artifact")
    return record
