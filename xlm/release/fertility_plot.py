"""The figure of the vocabulary: three bars a language, least cut on top.

plot_fertility(path, {"Swahili": share, ...}, style)
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xlm.release.fertility import LanguageShare
from xlm.release.plots import BLUE, GREEN, ORANGE, Style, new_figure, prepare_axes, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROOM_FOR_LABELS = 1.22


def plot_fertility(path: Path, shares: Mapping[str, LanguageShare], style: Style) -> None:
    """Draw tokens per word, unknown pieces and share of the vocabulary of each language.

    Args:
        shares: language name to its figures.
    """
    ordered = sorted(shares.items(), key=lambda item: (-item[1].fertility, item[0]))
    found = [share for _, share in ordered]
    figure = new_figure(style, width=10.0, height=1.5 + 0.3 * len(ordered))
    left, middle, right = figure.subplots(1, 3, sharey=True)
    fertility = [share.fertility for share in found]
    unknown = [100 * share.unknown_rate for share in found]
    vocabulary = [100 * share.vocabulary_share for share in found]
    _bars(left, "Tokens per word", "pieces (dashed: words stay whole)", fertility, BLUE, digits=2)
    _bars(middle, "Unknown pieces", "per cent of all pieces", unknown, ORANGE, digits=3)
    _bars(right, "Share of the vocabulary", "per cent of its pieces", vocabulary, GREEN, digits=1)
    left.set_yticks(range(len(ordered)), [name for name, _ in ordered])
    left.axvline(1, color="#333333", linewidth=1.0, linestyle=(0, (4, 3)), zorder=3)
    save_figure(figure, path, style)


def _bars(
    axes: "Axes", title: str, unit: str, values: Sequence[float], colour: str, *, digits: int
) -> None:
    places = range(len(values))
    axes.barh(places, values, height=0.66, color=colour, zorder=2)
    prepare_axes(axes, title, unit, "")
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)
    longest = max(values, default=0.0) or 1.0
    axes.set_xlim(0, longest * _ROOM_FOR_LABELS)
    axes.set_ylim(-0.7, len(values) - 0.3)
    for place, value in zip(places, values, strict=True):
        axes.text(
            value + longest * 0.02, place, f"{value:.{digits}f}", va="center", fontsize=9, zorder=5
        )
