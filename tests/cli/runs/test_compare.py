"""`xlm runs` and `xlm compare`: tables, JSON, the figure, and what cannot be compared."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.recorded_runs import RecordedRuns, predictions
from xlm.cli.runs.comparing import print_comparison
from xlm.cli.runs.listing import forget_run, print_runs
from xlm.errors import ConfigError, DataError, StoreError
from xlm.report.comparison.predictions import read_predictions
from xlm.report.comparison.settings import differing_settings, shown_values

HALF = [True, False] * 50
BETTER = [True, False] * 40 + [True] * 20


@pytest.fixture
def runs(tmp_path: Path) -> RecordedRuns:
    runs = RecordedRuns(tmp_path / "data")
    runs.add(name="base", right={"en": HALF, "sw": HALF})
    runs.add("pretrain.seed=1", seed=1, name="more", right={"en": BETTER, "sw": HALF})
    return runs


def compared(runs: RecordedRuns, capsys: pytest.CaptureFixture[str], *names: str) -> Any:
    print_comparison(names, None, str(runs.root), as_json=True)
    return json.loads(capsys.readouterr().out)


def test_runs_are_listed_newest_first(
    runs: RecordedRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    print_runs(None, str(runs.root), as_json=False)
    header, newest, oldest = capsys.readouterr().out.splitlines()
    assert header.split() == [
        "run", "name", "started", "(UTC)", "state", "nodes", "test", "perplexity", "P@1",
        "profile", "changes",
    ]  # fmt: skip
    assert newest.split() == [
        "2", "more", "2026-11-29", "17:49", "finished", "3/3", "71.0", "–", "–", "mini15",
        "pretrain.seed=1",
    ]  # fmt: skip
    assert oldest.split()[:2] == ["1", "base"]
    print_runs("sample", str(runs.root), as_json=False)
    assert capsys.readouterr().out == (
        f"No runs of profile sample in {runs.root}. Start one with `xlm run`.\n"
    )


def test_lists_are_shown_as_what_they_add_and_leave_out() -> None:
    languages = ["en", "fr", "sw"]
    assert shown_values([languages, ["en", "sw", "yo"], languages, None]) == [
        '["en", "fr", "sw"]', "+yo -fr", '["en", "fr", "sw"]', "null",
    ]  # fmt: skip
    assert shown_values([["en", "sw"], ["sw", "en"]])[1] == '["sw", "en"]'


def test_a_comparison_has_settings_results_and_curves(
    runs: RecordedRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    found = compared(runs, capsys, "base", "2")
    assert found["runs"] == ["base", "more"]
    assert found["settings"] == {"pretrain.seed": [0, 1]}
    rows = {(row["measure"], row["language"]): row for row in found["results"]}
    measures = ("test accuracy", "dev accuracy", "perplexity")
    assert set(rows) >= {(one, code) for one in measures for code in ("en", "sw", "mean")}
    assert ("P@1", "sw") in rows
    english = rows["test accuracy", "en"]["differences"]
    assert english[0] is None
    assert english[1]["value"] == pytest.approx(0.1)
    assert (english[1]["only_first_right"], english[1]["only_second_right"]) == (0, 10)
    assert english[1]["p_value"] == pytest.approx(2 / 2**10)
    assert 0 < english[1]["low"] < 0.1 < english[1]["high"]
    assert rows["test accuracy", "sw"]["differences"][1]["value"] == 0
    assert rows["test accuracy", "mean"]["differences"][1]["value"] == pytest.approx(0.05)
    assert rows["perplexity", "sw"]["differences"] == [None, None]
    assert rows["dev accuracy", "en"]["differences"] == [None, None]
    assert found["curves"]["more"]["perplexities"]["sw"] == {"updates": [5, 10], "values": [21, 11]}
    assert found["remarks"] == []


def test_a_run_is_compared_by_its_artifacts_too(
    runs: RecordedRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluated = runs.add(name="third", seed=2, right={"en": HALF, "sw": HALF})["evaluate"]
    key = evaluated.manifest.key
    found = compared(runs, capsys, "base", key[:12], f"evaluate/{key[:12]}")
    assert found["runs"] == ["base", f"evaluate {key[:8]}", f"evaluate {key[:8]} (2)"]
    assert set(found["curves"]) == set(found["runs"])
    rows = {(row["measure"], row["language"]): row for row in found["results"]}
    assert [one and one["value"] for one in rows["test accuracy", "en"]["differences"]] == [
        None, 0, 0,
    ]  # fmt: skip


def test_tables_and_the_figure(
    runs: RecordedRuns, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    figure = tmp_path / "curves.png"
    print_comparison(["base", "more"], figure, str(runs.root), as_json=False)
    printed = capsys.readouterr().out
    assert "pretrain.seed  0     1" in printed
    assert "Test accuracy, per cent; differences with 95 % intervals\n" in printed
    (row,) = [line for line in printed.splitlines() if line.startswith("en") and "0.002" in line]
    assert row.split()[:2] == ["en", "69.0"]
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_compared_is_said(
    runs: RecordedRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.add(seed=3, name="old")
    runs.add(seed=4, name="short", right={"en": HALF[:-2], "sw": HALF})
    removed = runs.add(seed=5, name="removed")["evaluate"]
    removed.directory.rename(runs.root / "elsewhere")
    found = compared(runs, capsys, "base", "old", "short", "removed")
    assert found["remarks"] == [
        "old has no stored predictions: it was evaluated by an earlier version.",
        "removed was not evaluated, or its artifact was removed.",
        "base and short were tested on different rows: en test.",
    ]
    rows = {(row["measure"], row["language"]): row for row in found["results"]}
    english = rows["test accuracy", "en"]
    assert english["differences"] == [None] * 4
    assert english["values"][3] is None
    assert rows["test accuracy", "sw"]["differences"][2]["value"] == 0
    assert rows["test accuracy", "mean"]["differences"] == [None] * 4


@pytest.mark.parametrize(
    ("names", "figure", "message"),
    [
        (["base"], None, "one run cannot be compared"),
        (["base", "none"], None, "no run 'none' in"),
        (["base", "0000000"], None, "no artifact with the key"),
        (["base", "more"], "curves.pdf", "name a .png file"),
        (["base", "more"], "none/curves.png", "its folder does not exist"),
    ],
)
def test_bad_input_is_one_line(
    runs: RecordedRuns, tmp_path: Path, names: list[str], figure: str | None, message: str
) -> None:
    path = tmp_path / figure if figure else None
    with pytest.raises((ConfigError, StoreError), match=message):
        print_comparison(names, path, str(runs.root), as_json=False)


def test_a_run_is_forgotten(runs: RecordedRuns, capsys: pytest.CaptureFixture[str]) -> None:
    forget_run("base", str(runs.root))
    assert (
        capsys.readouterr().out
        == "run base forgotten; `xlm store gc` removes what only it needed\n"
    )
    with pytest.raises(StoreError, match="no run 'base'"):
        forget_run("base", str(runs.root))
    print_runs(None, str(runs.root), as_json=True)
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == ["more"]


@pytest.mark.parametrize(
    "text", ["", "label\tpredicted\n", "a\tb\nx\ty\n", "label\tpredicted\nx\n"]
)
def test_damaged_predictions_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "predictions").mkdir()
    path = tmp_path / "predictions" / "sw.test.tsv"
    path.write_text(text)
    with pytest.raises(DataError, match=r"sw\.test\.tsv has no label and prediction"):
        read_predictions(tmp_path)
    path.write_text(predictions(HALF))
    assert set(read_predictions(tmp_path)) == {("sw", "test")}


def test_settings_of_sections_that_one_run_does_not_have() -> None:
    first = {"a": 1, "sample": {"seed": 0, "size": 9}, "empty": {}}
    second = {"a": 1, "sample": None, "empty": {}}
    rows = {row.name: row.values for row in differing_settings([first, second, first])}
    assert rows == {"sample.seed": (0, None, 0), "sample.size": (9, None, 9)}
