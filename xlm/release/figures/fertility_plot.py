"""The vocabulary plot: fertility, unknown tokens and vocabulary share of each language.

plot_fertility(path, {"Swahili": coverage, ...}, style)

The plot is part of the digest of `publish`: changing a label needs a new version of the stage.
"""

from collections.abc import Mapping
from pathlib import Path

from xlm.display.plotting import BLUE, GREEN, ORANGE, Style, draw_bars, new_figure, save_figure
from xlm.release.fertility import VocabularyCoverage


def plot_fertility(path: Path, coverage: Mapping[str, VocabularyCoverage], style: Style) -> None:
    """Draw three bars for each language, the lowest fertility on top.

    Args:
        coverage: the coverage by language name.
    """
    ordered = sorted(coverage.items(), key=lambda item: (-item[1].fertility, item[0]))
    rows = [row for _, row in ordered]
    figure = new_figure(style, width=10.0, height=1.5 + 0.3 * len(ordered))
    left, middle, right = figure.subplots(1, 3, sharey=True)
    fertility = [row.fertility for row in rows]
    unknown = [100 * row.unknown_rate for row in rows]
    vocabulary = [100 * row.vocabulary_share for row in rows]
    draw_bars(
        left,
        "Tokens per word",
        "pieces (dashed: words stay whole)",  # codespell:ignore pieces
        fertility,
        BLUE,
        "{:.2f}".format,
    )
    draw_bars(
        middle,
        "Unknown pieces",  # codespell:ignore pieces
        "per cent of all pieces",  # codespell:ignore pieces
        unknown,
        ORANGE,
        "{:.3f}".format,
    )
    draw_bars(
        right,
        "Share of the vocabulary",
        "per cent of its pieces",  # codespell:ignore pieces
        vocabulary,
        GREEN,
        "{:.1f}".format,
    )
    left.set_yticks(range(len(ordered)), [name for name, _ in ordered])
    left.axvline(1, color="#333333", linewidth=1.0, linestyle=(0, (4, 3)), zorder=3)
    save_figure(figure, path, style)
