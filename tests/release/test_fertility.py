"""Vocabulary coverage by language: report, table, plot and card."""

import json
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from xlm.display.plotting import Style
from xlm.errors import DataError
from xlm.release.card.facts import RunFacts
from xlm.release.card.render import render_card
from xlm.release.fertility import VocabularyCoverage, fertility_table, read_report
from xlm.release.figures.fertility_plot import plot_fertility

REPORT = {
    "en": VocabularyCoverage(1_500, 1_000, 1.5, 0.0, 0.25),
    "sw": VocabularyCoverage(2_500, 1_000, 2.5, 0.00124, 0.1),
}


def test_the_report_of_the_stage_is_read(tmp_path: Path) -> None:
    figures = {"tokens": 1500, "words": 1000, "types": 9, "unknown": 0, "fertility": 1.5}
    content = {"en": {**figures, "unknown_rate": 0.0, "vocabulary_share": 0.25}}
    assert read_report(tmp_path) == {}
    path = tmp_path / "report.json"
    path.write_text(json.dumps(content))
    assert read_report(tmp_path) == {"en": REPORT["en"]}
    for damaged in ("{", "[]", '{"en": {}}', '{"en": 3}'):
        path.write_text(damaged)
        with pytest.raises(DataError, match=r"report\.json cannot be read"):
            read_report(tmp_path)


def test_the_table_has_a_row_for_each_language_and_their_mean() -> None:
    found = fertility_table(REPORT)
    assert found is not None
    assert found.rows == (
        ("English (en)", "1,000", "1,500", "1.50", "0.000", "25.0"),
        ("Swahili (sw)", "1,000", "2,500", "2.50", "0.124", "10.0"),
        ("mean of 2", "", "", "2.00", "0.062", "17.5"),
    )
    assert fertility_table({}) is None


@pytest.mark.slow
def test_the_plot_is_deterministic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "cache"))
    for name in ("first.png", "second.png"):
        plot_fertility(tmp_path / name, REPORT, Style(100))
    content = (tmp_path / "first.png").read_bytes()
    assert content == (tmp_path / "second.png").read_bytes()
    assert struct.unpack(">II", content[16:24]) == (1000, 210)
    plot_fertility(tmp_path / "none.png", {}, Style(100))


def test_cards_show_the_table_the_plot_and_the_segmenters(facts: RunFacts) -> None:
    complete = replace(facts, vocabulary=REPORT, segmenters={"zh": "jieba 1", "th": "PyThaiNLP 2"})
    for classifier in (True, False):
        card = render_card(complete, classifier=classifier, parameters=1)
        assert "| Swahili (sw) | 1,000 | 2,500 | 2.50 | 0.124 | 10.0 |" in card
        assert "](vocabulary.png)" in card
        assert "segmented: Thai (th) by PyThaiNLP 2; Chinese (zh) by jieba 1." in card
    bare = render_card(facts, classifier=True, parameters=1)
    assert "vocabulary.png" not in bare
    assert "segmented" not in bare
