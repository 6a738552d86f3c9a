"""The results file, its table, and the accuracies of the paper."""

from pathlib import Path

import pytest

from xlm.classification.results.paper import MLM, MLM_TLM, PAPER
from xlm.classification.results.records import (
    LanguageResults,
    Results,
    Retrieval,
    Scores,
    averages,
    read_results,
    write_results,
)
from xlm.errors import DataError


@pytest.mark.parametrize(
    ("row", "mean"),
    [(MLM_TLM, 75.1), (MLM, 71.5), ("zero-shot, LASER", 70.2), ("zero-shot, XNLI BiLSTM", 65.6),
     ("translate-train, XLM MLM+TLM", 76.7), ("translate-test, XLM MLM+TLM", 74.2)],
)  # fmt: skip
def test_the_rows_of_the_paper_have_the_published_means(row: str, mean: float) -> None:
    assert len(PAPER[row]) == 15
    assert 100 * sum(PAPER[row].values()) / 15 == pytest.approx(mean, abs=0.051)


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    accuracy = Scores(accuracy=0.5, right=5, total=10, low=0.24, high=0.76)
    languages = (
        LanguageResults(code="en", test=accuracy, dev=accuracy, perplexity=12.0),
        LanguageResults(
            code="sw",
            retrieval=Retrieval(
                pairs=10, raw_from_english=0.2, raw_to_english=0.4,
                centred_from_english=0.6, centred_to_english=0.8,
            ),
        ),
    )  # fmt: skip
    results = Results(
        languages=languages, averages=averages(languages), confidence=0.95,
        selected_by="English dev accuracy", published_row={}, method={},
    )  # fmt: skip
    write_results(tmp_path, results)
    assert read_results(tmp_path) == results
    assert results.averages.zero_shot_test is None
    assert results.averages.retrieval_centred == pytest.approx(0.7)
    assert results.language("sw").retrieval == languages[1].retrieval
    table = [row.split("\t") for row in (tmp_path / "results.tsv").read_text().split("\n")[:-1]]
    assert [row[0] for row in table] == ["language", "en", "sw"]
    assert table[1][1:3] == ["0.5000", "0.5000"]
    assert table[2][1:3] == ["", ""]


def test_missing_and_invalid_results_are_reported(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"results\.json does not exist"):
        read_results(tmp_path)
    (tmp_path / "results.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="languages: Field required"):
        read_results(tmp_path)
