"""The figure of the vocabulary: three bars a language, least cut on top.

plot_fertility(path, {"Swahili": share, ...}, style)
"""

from collections.abc import Mapping
from pathlib import Path

from xlm.display.plotting import BLUE, GREEN, ORANGE, Style, draw_bars, new_figure, save_figure
from xlm.release.fertility import LanguageShare


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
    draw_bars(
        left,
        "Tokens per word",
        "pieces (dashed: words stay whole)",
        fertility,
        BLUE,
        "{:.2f}".format,
    )
    draw_bars(middle, "Unknown pieces", "per cent of all pieces", unknown, ORANGE, "{:.3f}".format)
    draw_bars(
        right,
        "Share of the vocabulary",
        "per cent of its pieces",
        vocabulary,
        GREEN,
        "{:.1f}".format,
    )
    left.set_yticks(range(len(ordered)), [name for name, _ in ordered])
    left.axvline(1, color="#333333", linewidth=1.0, linestyle=(0, (4, 3)), zorder=3)
    save_figure(figure, path, style)
