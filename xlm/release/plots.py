"""Two figures of a run as PNG files: how training went, and XNLI by language.

    plot_training(path, losses, perplexities, style)
    plot_accuracy(path, rows, style)

The bytes depend on the values and on matplotlib's version alone. Colours are those of Okabe and
Ito, told apart by colour-blind readers too; lines and bars carry their labels themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#B3B3B3", "#333333"
_LABEL_GAP = 0.055


@dataclass(frozen=True)
class Style:
    """How the figures are drawn."""

    dots_per_inch: int


@dataclass(frozen=True)
class Series:
    """One curve: a value at each update."""

    updates: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class AccuracyBar:
    """XNLI test accuracy of one language, as shares between 0 and 1."""

    name: str
    accuracy: float
    low: float
    high: float
    paper: float | None = None


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
    prepare_axes(left, "Training loss", "update", "nats per predicted token")
    ends = []
    for (name, series), colour in zip(losses.items(), (BLUE, ORANGE, GREEN), strict=False):
        _draw(left, series, colour, 1.8)
        ends.append((series, name, colour))
    _label_ends(left, ends)
    prepare_axes(right, "Validation perplexity (MLM)", "update", "perplexity, log scale")
    right.set_yscale("log")
    for series in perplexities.values():
        _draw(right, series, GREY, 1.0)
    mean = _mean(perplexities)
    if mean is not None:
        _draw(right, mean, BLUE, 2.4)
    _plain_ticks(right)
    _label_ends(right, _notable(perplexities))
    save_figure(figure, path, style)


def plot_accuracy(
    path: Path, bars: Sequence[AccuracyBar], style: Style, *, confidence: float = 0.95
) -> None:
    """Draw a bar for each language, best on top, with its interval, the paper's value, chance."""
    figure = new_figure(style, width=8.0, height=1.5 + 0.34 * len(bars))
    axes = figure.subplots()
    ordered = sorted(bars, key=lambda bar: (bar.accuracy, bar.name))
    places = range(len(ordered))
    values = [100 * bar.accuracy for bar in ordered]
    below = [100 * (bar.accuracy - bar.low) for bar in ordered]
    above = [100 * (bar.high - bar.accuracy) for bar in ordered]
    axes.barh(places, values, height=0.66, color=BLUE, zorder=2)
    axes.errorbar(
        values, places, xerr=[below, above], fmt="none", ecolor=INK, elinewidth=1.2, capsize=2.5,
        zorder=4,
    )  # fmt: skip
    for place, value in zip(places, values, strict=True):
        axes.text(1.2, place, f"{value:.1f}", va="center", color="white", fontsize=9.5, zorder=5)
    marks = [(100 * bar.paper, place) for place, bar in enumerate(ordered) if bar.paper is not None]
    if marks:
        axes.scatter(
            [mark[0] for mark in marks], [mark[1] for mark in marks], marker="D", s=34,
            facecolor="white", edgecolor=ORANGE, linewidth=1.6, zorder=5,
        )  # fmt: skip
    prepare_axes(axes, "XNLI test accuracy", "correct pairs, per cent", "")
    axes.set_yticks(places, [bar.name for bar in ordered])
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")
    axes.set_xlim(0, 100)
    axes.set_ylim(-0.7, len(ordered) - 0.3)
    axes.axvline(100 / 3, color=INK, linewidth=1.2, linestyle=(0, (4, 3)), zorder=3)
    top = len(ordered) - 0.2
    axes.text(100 / 3, top, "chance 33.3", ha="center", va="bottom", fontsize=9, color=INK)
    note = f"bars: this model, with {100 * confidence:g} % intervals"
    note += "     ◇ XLM (MLM+TLM) of the paper, on the real XNLI" if marks else ""
    axes.annotate(
        note, (0, 0), (0, -42), xycoords="axes fraction", textcoords="offset points", fontsize=9.5,
        color=INK, va="top",
    )  # fmt: skip
    axes.set_title("XNLI test accuracy", loc="left", fontsize=13, pad=22)
    save_figure(figure, path, style)


def new_figure(style: Style, width: float, height: float) -> "Figure":
    """An empty figure; sizes in inches."""
    from matplotlib.figure import Figure

    # A bare Figure draws with Agg and, unlike pyplot, shares nothing between threads.
    return Figure(figsize=(width, height), dpi=style.dots_per_inch, layout="constrained")


def prepare_axes(axes: "Axes", title: str, x_label: str, y_label: str) -> None:
    """Title, labels, grid and frame that all figures share."""
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


def _draw(axes: "Axes", series: Series, colour: str, width: float) -> None:
    # A single value makes no line: it would be invisible without a mark.
    marker = "o" if len(series.updates) == 1 else ""
    axes.plot(series.updates, series.values, color=colour, linewidth=width, marker=marker)


def _notable(perplexities: Mapping[str, Series]) -> list[tuple[Series, str, str]]:
    """What is named at its end: the mean, and the languages with the best and the worst end."""
    mean = _mean(perplexities)
    ends = [(series, "mean", BLUE) for series in (mean,) if series is not None]
    if len(perplexities) > 1:
        ordered = sorted(perplexities.items(), key=lambda item: (item[1].values[-1], item[0]))
        ends += [(series, name, INK) for name, series in (ordered[0], ordered[-1])]
    return ends


def _mean(perplexities: Mapping[str, Series]) -> Series | None:
    """The arithmetic mean over languages, as the stop criterion of XLM takes it (spec 4.4)."""
    if not perplexities:
        return None
    columns = zip(*(series.values for series in perplexities.values()), strict=True)
    updates = next(iter(perplexities.values())).updates
    return Series(updates, tuple(sum(column) / len(perplexities) for column in columns))


def _label_ends(axes: "Axes", ends: Sequence[tuple[Series, str, str]]) -> None:
    """Name each curve at its end, moved apart where two labels would lie on each other."""
    axes.autoscale_view()  # limits are lazy, and the transform needs them
    to_axes = axes.transData + axes.transAxes.inverted()
    places = []
    for series, name, colour in ends:
        x, y = to_axes.transform((series.updates[-1], series.values[-1]))
        places.append((y, x, f"{name} {_short(series.values[-1])}", colour))
    height = -_LABEL_GAP
    for y, x, text, colour in sorted(places):
        height = max(y, height + _LABEL_GAP)
        axes.text(
            x + 0.012, height, text, transform=axes.transAxes, va="center", fontsize=10,
            color=colour, clip_on=False,
        )  # fmt: skip


def _short(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _plain_ticks(axes: "Axes") -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.yaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def save_figure(figure: "Figure", path: Path, style: Style) -> None:
    """Write the figure as a PNG whose bytes name no program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata: dict[str, Any] = {"Software": None}
    figure.savefig(path, format="png", dpi=style.dots_per_inch, metadata=metadata)
