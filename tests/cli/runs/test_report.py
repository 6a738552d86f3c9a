"""`xlm report`: which run, which file, and what goes wrong."""

from pathlib import Path

import pytest

from tests.cli.recorded_runs import RecordedRuns
from xlm.cli.runs.report import print_report
from xlm.display.markdown import format_size
from xlm.errors import ConfigError, StoreError


@pytest.fixture
def runs(tmp_path: Path) -> RecordedRuns:
    runs = RecordedRuns(tmp_path / "data")
    runs.add(name="base")
    runs.add("pretrain.seed=1", seed=1, name="more")
    return runs


def test_the_report_of_the_last_run_is_next_to_its_record(
    runs: RecordedRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    print_report(None, None, str(runs.root))
    (path,) = runs.root.glob("runs/000002-*.html")
    assert capsys.readouterr().out == f"{path} ({format_size(path.stat().st_size)})\n"
    assert "<h1>Run 2: more</h1>" in path.read_text(encoding="utf-8")
    assert path.with_suffix(".json").is_file()


@pytest.mark.parametrize("name", ["base", "1", "2026-11-28T17:49"])
def test_a_run_is_chosen_as_in_other_commands(
    runs: RecordedRuns, tmp_path: Path, name: str
) -> None:
    out = tmp_path / "new" / "base.html"
    print_report(name, out, str(runs.root))
    print_report(name, out, str(runs.root))  # replaced
    text = out.read_text(encoding="utf-8")
    assert "<h1>Run 1: base</h1>" in text
    assert "Swahili (sw)" in text
    assert "The encoder was pretrained with MLM." in text
    assert list(runs.root.glob("runs/*.html")) == []


def test_what_cannot_be_done_is_named(runs: RecordedRuns, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no run 'absent' in .*; list the runs with `xlm runs`"):
        print_report("absent", None, str(runs.root))
    with pytest.raises(ConfigError, match=f"--out {tmp_path} is not a file; name a file of HTML"):
        print_report("base", tmp_path, str(runs.root))
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"report of run base cannot be written: .*file"):
        print_report("base", tmp_path / "file" / "x.html", str(runs.root))
    with pytest.raises(StoreError, match="no run in"):
        print_report(None, None, str(tmp_path / "empty"))
