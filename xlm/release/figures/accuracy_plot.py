"""The accuracy plot: accuracy by language, in test or else in dev.

plot_accuracy(path, [AccuracyBar("Swahili", 0.70, low=0.67, high=0.73)], style)

The plot is part of the digest of `publish`: changing a label needs a new version of the stage.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xlm.display.plotting import BLUE, INK, ORANGE, Style, new_figure, prepare_axes, save_figure


@dataclass(frozen=True)
class AccuracyBar:
    """Test accuracy of one language and its confidence interval, between 0 and 1."""

    name: str
    accuracy: float
    low: float
    high: float
    paper: float | None = None


def plot_accuracy(
    path: Path,
    bars: Sequence[AccuracyBar],
    style: Style,
    *,
    task: str = "XNLI",
    labels: int = 3,
    confidence: float = 0.95,
) -> None:
    """Draw a bar for each language, the best on top, with its interval and the paper's accuracy."""
    title, chance = f"{task[0].upper()}{task[1:]} accuracy", 100 / labels
    figure = new_figure(style, width=8.0, height=1.5 + 0.34 * len(bars))
    axes = figure.subplots()
    ordered = sorted(bars, key=lambda bar: (bar.accuracy, bar.name))
    rows = range(len(ordered))
    values = [100 * bar.accuracy for bar in ordered]
    below = [100 * (bar.accuracy - bar.low) for bar in ordered]
    above = [100 * (bar.high - bar.accuracy) for bar in ordered]
    axes.barh(rows, values, height=0.66, color=BLUE, zorder=2)
    axes.errorbar(
        values, rows, xerr=[below, above], fmt="none", ecolor=INK, elinewidth=1.2, capsize=2.5,
        zorder=4,
    )  # fmt: skip
    for row, value in zip(rows, values, strict=True):
        axes.text(1.2, row, f"{value:.1f}", va="center", color="white", fontsize=9.5, zorder=5)
    marks = [(100 * bar.paper, row) for row, bar in enumerate(ordered) if bar.paper is not None]
    if marks:
        axes.scatter(
            [mark[0] for mark in marks], [mark[1] for mark in marks], marker="D", s=34,
            facecolor="white", edgecolor=ORANGE, linewidth=1.6, zorder=5,
        )  # fmt: skip
    prepare_axes(axes, title, "correct rows, per cent", "")
    axes.set_yticks(rows, [bar.name for bar in ordered])
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")
    axes.set_xlim(0, 100)
    axes.set_ylim(-0.7, len(ordered) - 0.3)
    axes.axvline(chance, color=INK, linewidth=1.2, linestyle=(0, (4, 3)), zorder=3)
    top = len(ordered) - 0.2
    axes.text(chance, top, f"chance {chance:.1f}", ha="center", va="bottom", fontsize=9, color=INK)
    note = f"bars: this model, with {100 * confidence:g} % intervals"
    note += "     ◇ XLM (MLM+TLM) of the paper, on the real XNLI" if marks else ""
    axes.annotate(
        note, (0, 0), (0, -42), xycoords="axes fraction", textcoords="offset points", fontsize=9.5,
        color=INK, va="top",
    )  # fmt: skip
    axes.set_title(title, loc="left", fontsize=13, pad=22)
    save_figure(figure, path, style)
