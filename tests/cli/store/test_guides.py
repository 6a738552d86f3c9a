"""The commands of docs/how-to/clean-a-store.md and compare-runs.md, as real processes."""

import shlex
from pathlib import Path

import pytest

from tests.cli.recorded_runs import RecordedRuns
from tests.flows.console import xlm
from tests.repository import REPOSITORY
from tests.tutorial import commands_of

pytestmark = pytest.mark.slow

GUIDES = REPOSITORY / "docs" / "how-to"
HALF = [True, False] * 20


@pytest.fixture
def runs(tmp_path: Path) -> RecordedRuns:
    runs = RecordedRuns(tmp_path / "data")
    runs.add(name="base", right={"en": HALF, "sw": HALF})
    runs.add("bpe.codes=9000", seed=1, name="more", right={"en": HALF, "sw": HALF[::-1]})
    return runs


def runnable(page: str) -> list[list[str]]:
    """The commands of a guide, without those that start a run."""
    words = [shlex.split(command, comments=True) for command in commands_of(GUIDES / page)]
    found = [one[1:] for one in words if one[0] == "xlm" and one[1] != "run"]
    assert len(found) > 4
    return found


def test_runs_are_compared_as_in_the_guide(runs: RecordedRuns, tmp_path: Path) -> None:
    printed = []
    for words in runnable("compare-runs.md"):
        given = [str(tmp_path / one) if one.endswith(".png") else one for one in words]
        printed.append(xlm(runs.root, *given))
    assert "more" in printed[0]
    assert "p (McNemar)" in printed[2]
    assert (tmp_path / "curves.png").is_file()


def test_a_store_is_cleaned_as_in_the_guide(runs: RecordedRuns, tmp_path: Path) -> None:
    for _ in range(12):  # older runs without a name
        runs.add(seed=2)
    shown = runs.add(seed=3)["evaluate"].manifest.key
    for seed in (4, 5):
        removed = runs.add(seed=seed)["evaluate"].manifest.key
    keys = {"bf7e6a41": shown[:8], "4ae1c09b": removed[:8], "/scratch/data": str(tmp_path / "copy")}
    printed: dict[str, str] = {}
    for words in runnable("clean-a-store.md"):
        given = [keys.get(word, word) for word in words]
        given = [str(tmp_path / word) if word.endswith(".zip") else word for word in given]
        if "--single" in given:
            (tmp_path / "model.zip").unlink()
        code = 0
        if given[:2] == ["store", "rm"] and "--force" in given:
            code = 1  # the command before has removed it
        printed[" ".join(words)] = xlm(runs.root, *given, code=code)
    assert "pretrain" in printed["store du"]
    assert "Differences from the other" in printed["store show bf7e6a41"]
    assert printed["store gc --dry-run"].endswith("kept\n")
    assert "removed evaluate[all]" in printed["store rm 4ae1c09b"]
    assert "no artifact" in printed["store rm 4ae1c09b --force"]
    assert "3 artifacts imported" in printed["store import base.zip --root /scratch/data"]
    assert "base" in xlm(tmp_path / "copy", "runs")
