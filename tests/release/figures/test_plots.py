"""The plots are valid PNG files and deterministic."""

import struct
from pathlib import Path

import pytest

from xlm.display.plotting import Series, Style
from xlm.release.figures.accuracy_plot import AccuracyBar, plot_accuracy
from xlm.training.records.plots import plot_training

pytestmark = pytest.mark.slow

BARS = [
    AccuracyBar("English", 0.9, 0.88, 0.92, paper=0.85),
    AccuracyBar("Swahili", 0.5, 0.47, 0.53),
]
UPDATES = (100, 200, 300)
LOSSES = {"MLM": Series(UPDATES, (5.0, 3.0, 2.0)), "TLM": Series(UPDATES, (5.0, 2.0, 2.01))}
PERPLEXITIES = {
    "English": Series(UPDATES, (90.0, 30.0, 12.0)),
    "Swahili": Series(UPDATES, (200.0, 80.0, 40.0)),
}


@pytest.fixture
def style(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Style:
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "cache"))
    return Style(100)


def _size(path: Path) -> tuple[int, int]:
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def test_plots_have_the_requested_size(tmp_path: Path, style: Style) -> None:
    plot_accuracy(tmp_path / "accuracy.png", BARS, style)
    plot_training(tmp_path / "training.png", LOSSES, PERPLEXITIES, style)
    assert _size(tmp_path / "training.png") == (1000, 440)
    assert _size(tmp_path / "accuracy.png")[0] == 800


def test_bytes_depend_only_on_the_values(tmp_path: Path, style: Style) -> None:
    for name in ("first", "second"):
        plot_accuracy(tmp_path / name / "accuracy.png", BARS, style)
        plot_training(tmp_path / name / "training.png", LOSSES, PERPLEXITIES, style)
    for name in ("accuracy.png", "training.png"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()
    plot_accuracy(tmp_path / "other.png", BARS[:1], style)
    assert (tmp_path / "other.png").read_bytes() != (tmp_path / "first/accuracy.png").read_bytes()


@pytest.mark.parametrize(
    ("losses", "perplexities"),
    [
        ({}, {}),
        ({"MLM": Series((100,), (5.0,))}, {"English": Series((100,), (90.0,))}),
    ],
)
def test_runs_with_few_values_are_drawn(
    tmp_path: Path,
    style: Style,
    losses: dict[str, Series],
    perplexities: dict[str, Series],
) -> None:
    plot_training(tmp_path / "training.png", losses, perplexities, style)
    assert _size(tmp_path / "training.png") == (1000, 440)
