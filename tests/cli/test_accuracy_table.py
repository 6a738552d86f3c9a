"""`xlm results RUN` and `xlm results --out FILE`: the accuracies of sweeps."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from tests.classification.results.sweeps import sweep_results, sweep_rows
from tests.cli.recorded_runs import RecordedRuns
from tests.report.page.runs import results_of_task
from xlm.cli.main import app
from xlm.cli.results import print_results, write_accuracy_table
from xlm.cli.runs.comparing import print_comparison
from xlm.errors import ConfigError, DataError, StoreError, XlmError


@pytest.fixture
def runs(tmp_path: Path) -> RecordedRuns:
    runs = RecordedRuns(tmp_path / "data")
    runs.add(name="base", found=sweep_results(sweep_rows([0, 1])))
    runs.add("pretrain.seed=1", seed=1, name="more", found=sweep_results(sweep_rows([0, 1, 2])))
    return runs


def test_the_rows_of_several_runs_are_one_table(
    runs: RecordedRuns, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "all.parquet"
    write_accuracy_table(out, ["base", "2", "base", "1"], None, str(runs.root))
    rows = pq.read_table(out).to_pylist()
    assert [(row["run"], row["seed"]) for row in rows] == [
        (run, row.seed)
        for run, seeds in (("base", [0, 1]), ("more", [0, 1, 2]))
        for row in sweep_rows(seeds)
    ]
    assert capsys.readouterr().out == f"{out} ({len(rows)} rows, 2 runs)\n"
    write_accuracy_table(out, ["base"], None, str(runs.root))
    assert {row["run"] for row in pq.read_table(out).to_pylist()} == {"base"}


def test_without_a_name_it_is_the_last_run(runs: RecordedRuns, tmp_path: Path) -> None:
    write_accuracy_table(tmp_path / "last.json", [], None, str(runs.root))
    rows = json.loads((tmp_path / "last.json").read_text())
    assert {row["run"] for row in rows} == {"more"}
    write_accuracy_table(tmp_path / "last.csv", [], None, str(runs.root))
    assert (tmp_path / "last.csv").read_text().count("\n") == len(rows) + 1


@pytest.mark.parametrize(
    ("names", "out", "error", "message"),
    [
        (["base"], "all.xlsx", ConfigError, "end with .parquet, .json or .csv"),
        (["base"], "folder.csv", ConfigError, "is not a file"),
        (["none"], "all.csv", StoreError, "no run 'none'"),
        (["plain"], "all.csv", DataError, "has no accuracies of single models"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    runs: RecordedRuns, tmp_path: Path, names: list[str], out: str, error: type[XlmError],
    message: str,
) -> None:  # fmt: skip
    runs.add(seed=2, name="plain")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(error, match=message):
        write_accuracy_table(tmp_path / out, names, None, str(runs.root))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "folder.csv"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["base", "--profile", "sample"], "--profile is for the last run, but a run is named"),
        (["base", "--costs"], "--costs shows the latest costs of each stage"),
        (["--costs", "--confusions"], "--costs and --confusions exclude each other"),
        (["--costs", "--out", "rows.csv"], "--costs and --out exclude each other"),
        (["--out", "rows.csv", "--json"], "--out and --json exclude each other"),
    ],
)
def test_options_of_which_one_would_be_ignored_are_refused(
    arguments: list[str], message: str
) -> None:
    done = CliRunner().invoke(app, ["results", *arguments])
    assert message in str(done.exception or done.output)
    assert done.exit_code != 0


def test_the_results_of_a_named_run_have_the_tables_of_its_sweep(
    runs: RecordedRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    print_results(["base"], None, str(runs.root), as_json=False)
    printed = capsys.readouterr().out
    assert "XNLI, zero-shot: test accuracy in per cent, mean of 2 seeds\n" in printed
    assert "XNLI, sweep: mean dev accuracy in per cent\n" in printed
    assert "Own dev: for each language" in printed
    print_results(["more"], None, str(runs.root), as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert len(shown["accuracies"]) == len(sweep_rows([0, 1, 2]))
    with pytest.raises(ConfigError, match="2 runs cannot be printed together"):
        print_results(["base", "more"], None, str(runs.root), as_json=False)
    with pytest.raises(StoreError, match="no run 'none'"):
        print_results(["none"], None, str(runs.root), as_json=False)


def test_confusions_are_shown_by_language_if_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = sweep_results([])
    counts = ((5, 2, 3), (4, 5, 6), (7, 8, 9))
    languages = [
        row.model_copy(update={"test": row.test.model_copy(update={"confusion": counts})})
        for row in found.languages
        if row.test
    ]
    runs = RecordedRuns(tmp_path / "data")
    runs.add(name="base", found=found.model_copy(update={"languages": tuple(languages)}))
    title = "Swahili (sw): labels and predictions in test"
    print_results([], None, str(runs.root), as_json=False)
    assert title not in capsys.readouterr().out
    print_results([], None, str(runs.root), as_json=False, confusions=True)
    assert title in capsys.readouterr().out
    print_results([], None, str(runs.root), as_json=True)
    (english, *_) = json.loads(capsys.readouterr().out)["languages"]
    assert english["test"]["confusion"] == [list(row) for row in counts]


@pytest.mark.parametrize(("size", "is_shown"), [(8, True), (9, False)])
def test_confusions_of_many_labels_are_only_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], size: int, is_shown: bool
) -> None:
    runs = RecordedRuns(tmp_path / "data")
    runs.add(name="base", found=results_of_task([f"label{one}" for one in range(size)]))
    print_results([], None, str(runs.root), as_json=False, confusions=True)
    printed = capsys.readouterr().out
    assert ("Swahili (sw): labels and predictions in test" in printed) == is_shown
    note = "The confusion matrices of 9 labels are too wide to show: the output of --json has them."
    assert (note in printed) != is_shown


def test_runs_with_several_seeds_are_compared_over_seeds(
    runs: RecordedRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    print_comparison(["base", "more"], None, str(runs.root), as_json=False)
    printed = capsys.readouterr().out
    assert "zero-shot, best English/mean dev, per cent; differences with 95 % intervals" in printed
    assert "base and more share 4 fine-tuned models, of 4 and 6: en.lr5e-06.b8.s0" in printed
    print_comparison(["base", "more"], None, str(runs.root), as_json=True)
    rows = json.loads(capsys.readouterr().out)["sweeps"]
    assert rows[0]["setting"] == "zero-shot"
    assert rows[0]["by_seed"][0] == {"0": 0.8, "1": 0.82}
    assert rows[0]["differences"][1]["method"] == "Welch"
