"""Shared functions for plots: style, axes, curves with labels at their ends, PNG output.

    figure = new_figure(Style(100), width=8.0, height=4.0)
    axes = figure.subplots()
    prepare_axes(axes, "Training loss", "update", "nats")
    draw_series(axes, Series((10, 20), (5.0, 4.0)), BLUE, 1.8)
    save_figure(figure, path, Style(100))

The bytes depend only on the values and the version of matplotlib. The colours are Okabe and Ito's,
which colour-blind readers can distinguish. Lines and bars are labelled directly, without a legend.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlm.store.disk.filesystem import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#B3B3B3", "#333333"
_LABEL_GAP = 0.055
_ROOM_FOR_LABELS = 1.22


@dataclass(frozen=True)
class Style:
    """Settings that all plots share."""

    dots_per_inch: int


@dataclass(frozen=True)
class Series:
    """One curve: a value at each update."""

    updates: tuple[int, ...]
    values: tuple[float, ...]


def new_figure(style: Style, width: float, height: float) -> "Figure":
    """Create an empty figure; `width` and `height` are in inches."""
    from matplotlib.figure import Figure

    # Unlike pyplot, a bare Figure draws with Agg and shares no state between threads.
    return Figure(figsize=(width, height), dpi=style.dots_per_inch, layout="constrained")


def prepare_axes(axes: "Axes", title: str, x_label: str, y_label: str) -> None:
    """Set the title, labels, grid and frame."""
    axes.set_title(title, loc="left", fontsize=13)
    axes.set_xlabel(x_label, fontsize=10.5)
    axes.set_ylabel(y_label, fontsize=10.5)
    axes.tick_params(labelsize=10, color=GREY)
    axes.grid(True, color="#E6E6E6", linewidth=0.8, zorder=0)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GREY)


def draw_series(axes: "Axes", series: Series, colour: str, width: float) -> None:
    """Draw one curve."""
    # A single value has no line and would be invisible without a marker.
    marker = "o" if len(series.updates) == 1 else ""
    axes.plot(series.updates, series.values, color=colour, linewidth=width, marker=marker)


def label_ends(axes: "Axes", ends: Sequence[tuple[Series, str, str]]) -> None:
    """Label each curve at its end; labels that would overlap are moved apart."""
    axes.autoscale_view()  # the transform needs the limits, which are computed lazily
    to_axes = axes.transData + axes.transAxes.inverted()
    labels = []
    for series, name, colour in ends:
        x, y = to_axes.transform((series.updates[-1], series.values[-1]))
        labels.append((y, x, f"{name} {_short(series.values[-1])}", colour))
    height = -_LABEL_GAP
    for y, x, text, colour in sorted(labels):
        height = max(y, height + _LABEL_GAP)
        axes.text(
            x + 0.012, height, text, transform=axes.transAxes, va="center", fontsize=10,
            color=colour, clip_on=False,
        )  # fmt: skip


def _short(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def log_scale(axes: "Axes") -> None:
    """Make the y axis logarithmic, with tick labels at 1, 2, 5, 10, ..."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def draw_bars(
    axes: "Axes",
    title: str,
    unit: str,
    values: Sequence[float],
    colour: str,
    label: Callable[[float], str],
) -> None:
    """Draw horizontal bars from bottom to top, each labelled with its value."""
    rows = range(len(values))
    axes.barh(rows, values, height=0.66, color=colour, zorder=2)
    prepare_axes(axes, title, unit, "")
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)
    longest = max(values, default=0.0) or 1.0
    axes.set_xlim(0, longest * _ROOM_FOR_LABELS)
    axes.set_ylim(-0.7, len(values) - 0.3)
    for row, value in zip(rows, values, strict=True):
        axes.text(value + longest * 0.02, row, label(value), va="center", fontsize=9, zorder=5)


def save_figure(figure: "Figure", path: Path, style: Style) -> None:
    """Write a PNG without software metadata, atomically."""
    metadata: dict[str, Any] = {"Software": None}
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=style.dots_per_inch, metadata=metadata)
    write_atomically(path, image.getvalue())
