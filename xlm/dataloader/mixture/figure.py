"""The mixture of a run as a figure and as a Markdown table.

plot_mixture(logs / "mixture.png", rows, Style(100))
"""

from collections.abc import Sequence
from pathlib import Path

from xlm.dataloader.mixture.preview import MixtureRow
from xlm.display.markdown import table
from xlm.display.plotting import BLUE, ORANGE, Style, draw_bars, new_figure, save_figure

_SUFFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def plot_mixture(path: Path, rows: Sequence[MixtureRow], style: Style) -> None:
    """Draw expected tokens and repetitions of each language and direction, the largest on top."""
    ordered = sorted(rows, key=lambda row: (row.batch_tokens, row.task))
    figure = new_figure(style, width=10.0, height=1.5 + 0.3 * len(ordered))
    left, right = figure.subplots(1, 2, sharey=True)
    tokens = [row.batch_tokens for row in ordered]
    times = [row.repetitions for row in ordered]
    draw_bars(left, "Training mixture", "expected tokens", tokens, BLUE, short_number)
    draw_bars(right, "Times seen", "expected, each token", times, ORANGE, short_number)
    left.set_yticks(range(len(ordered)), [row.task for row in ordered])
    save_figure(figure, path, style)


def mixture_cells(rows: Sequence[MixtureRow]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Header and cells of a table, one row per language or direction."""
    header = ("task", "lines", "tokens", "share", "updates", "tokens seen", "times seen")
    return header, [
        (
            row.task,
            f"{row.lines:,}",
            f"{row.tokens:,}",
            f"{row.probability:.3f}",
            f"{row.updates:,.0f}",
            f"{row.batch_tokens:,.0f}",
            f"{row.repetitions:,.2f}",
        )
        for row in rows
    ]


def mixture_markdown(rows: Sequence[MixtureRow]) -> str:
    """The table for the UI."""
    return "## Expected training mixture\n\n" + table(*mixture_cells(rows))


def short_number(value: float) -> str:
    """A number with three digits and a suffix: 1.2M, 34k, 5.67."""
    for size, suffix in _SUFFIXES:
        if value >= size:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"
