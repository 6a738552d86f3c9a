"""Curves of a run: read from its files, and plotted."""

import json
import math
from pathlib import Path

import pytest

from xlm.display.plotting import Series, Style
from xlm.errors import DataError
from xlm.training.records.curves import Curves, mean_series, read_curves
from xlm.training.records.plots import curves_markdown, plot_curves, thin_out


def write_metrics(path: Path, *records: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def line(step: int, loss: dict[str, float], norm: float = 1.0) -> dict[str, object]:
    return {"step": step, "loss": loss, "learning_rate": step / 1e4, "gradient_norm": norm}


def test_all_curves_are_read(tmp_path: Path) -> None:
    metrics = write_metrics(
        tmp_path / "m", line(5, {"mlm": 6.0}), line(10, {"mlm": 5.0, "tlm": 4.0}, 2.0)
    )
    validations = [
        {"step": 10, "valid_sw_mlm_ppl": 90.0, "valid_mlm_ppl": 90.0, "valid_en_sw_mlm_ppl": 7.0}
    ]
    assert read_curves(metrics, validations) == Curves(
        losses={"MLM": Series((5, 10), (6.0, 5.0)), "TLM": Series((10,), (4.0,))},
        perplexities={"sw": Series((10,), (90.0,))},
        learning_rate=Series((5, 10), (0.0005, 0.001)),
        gradient_norm=Series((5, 10), (1.0, 2.0)),
    )


def test_pairs_are_used_if_no_language_was_validated(tmp_path: Path) -> None:
    metrics = write_metrics(tmp_path / "m")
    curves = read_curves(metrics, [{"step": 10, "valid_en_sw_mlm_ppl": 7.0, "valid_tlm_ppl": 7.0}])
    assert curves.perplexities == {"en_sw": Series((10,), (7.0,))}
    assert "| perplexity, en-sw | 10 | 7 | 7 |" in curves_markdown(curves)


def test_masked_perplexity_is_preferred_to_causal(tmp_path: Path) -> None:
    metrics = write_metrics(tmp_path / "m")
    both = [{"step": 1, "valid_sw_mlm_ppl": 3.0, "valid_sw_clm_ppl": 9.0}]
    assert read_curves(metrics, both).perplexities["sw"].values == (3.0,)
    alone = [{"step": 1, "valid_sw_clm_ppl": 9.0}]
    assert read_curves(metrics, alone).perplexities["sw"].values == (9.0,)


@pytest.mark.slow
def test_values_that_are_not_finite_are_left_out(tmp_path: Path) -> None:
    metrics = write_metrics(
        tmp_path / "m", line(5, {"mlm": math.nan}, math.inf), line(10, {"mlm": 5.0})
    )
    curves = read_curves(metrics, [{"step": 5, "valid_sw_mlm_ppl": math.inf}])
    assert curves.losses == {"MLM": Series((10,), (5.0,))}
    assert curves.gradient_norm == Series((10,), (1.0,))
    assert curves.perplexities == {}
    plot_curves(tmp_path / "curves.png", curves, Style(50))


def test_the_mean_needs_a_value_of_every_language() -> None:
    perplexities = {"en": Series((1, 2, 3), (1.0, 2.0, 3.0)), "sw": Series((2, 3), (4.0, 9.0))}
    assert mean_series(perplexities) == Series((2, 3), (3.0, 6.0))
    assert mean_series({}) is None
    assert mean_series({"en": Series((1,), (1.0,)), "sw": Series((2,), (1.0,))}) is None


def test_long_curves_are_thinned_to_means_of_neighbours() -> None:
    short = Series((1, 2, 3), (1.0, 2.0, 6.0))
    assert thin_out(short, most=3) == short
    assert thin_out(short, most=2) == Series((2, 3), (1.5, 6.0))
    long = thin_out(Series(tuple(range(100_000)), (2.0,) * 100_000))
    assert len(long.values) == 400
    assert set(long.values) == {2.0}
    assert long.updates[-1] == 99_999


def test_an_incomplete_line_is_ignored_and_another_value_is_refused(
    tmp_path: Path,
) -> None:
    metrics = write_metrics(tmp_path / "m", line(5, {"mlm": 6.0}))
    metrics.write_text(metrics.read_text() + '{"step": 10, "lo')
    assert read_curves(metrics, []).losses["MLM"].updates == (5,)
    metrics.write_text("[1]\n")
    with pytest.raises(DataError, match="not readable JSON"):
        read_curves(metrics, [])


@pytest.mark.slow
def test_every_panel_shows_its_values(tmp_path: Path) -> None:
    def drawn(name: str, **changes: object) -> bytes:
        values: dict[str, object] = {
            "losses": {"MLM": Series((1, 2), (6.0, 5.0))},
            "perplexities": {"sw": Series((1, 2), (90.0, 40.0))},
            "learning_rate": Series((1, 2), (0.1, 0.2)),
            "gradient_norm": Series((1, 2), (3.0, 1.0)),
            **changes,
        }
        plot_curves(tmp_path / name, Curves(**values), Style(40))  # type: ignore[arg-type]
        return (tmp_path / name).read_bytes()

    plain = drawn("plain")
    assert drawn("again") == plain
    others = [
        drawn("losses", losses={"MLM": Series((1, 2), (6.0, 4.0))}),
        drawn("perplexities", perplexities={"sw": Series((1, 2), (90.0, 41.0))}),
        drawn("rate", learning_rate=Series((1, 2), (0.1, 0.3))),
        drawn("norm", gradient_norm=Series((1, 2), (3.0, 2.0))),
        drawn("nothing", losses={}, perplexities={}, learning_rate=None, gradient_norm=None),
    ]
    assert len({plain, *others}) == 6
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []
