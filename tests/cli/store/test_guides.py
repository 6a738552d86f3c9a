"""The commands of docs/how-to/clean-a-store.md and compare-runs.md, as real processes."""

import argparse
import json
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


def commands(page: str) -> tuple[list[list[str]], list[list[str]]]:
    """The arguments of the `xlm run` of a guide, and the words of its other commands of `xlm`."""
    words = [shlex.split(command, comments=True) for command in commands_of(GUIDES / page)]
    ours = [one[1:] for one in words if one[0] == "xlm"]
    return [one[1:] for one in ours if one[0] == "run"], [one for one in ours if one[0] != "run"]


def record(runs: RecordedRuns, arguments: list[str], seed: int, right: list[bool]) -> str:
    """Write the record of a run that `xlm run` with these arguments starts; returns its name."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--profile", default="sample")
    parser.add_argument("--name", required=True)
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    run = parser.parse_args(arguments)
    predicted = {"en": HALF, "sw": right}
    runs.add(*run.overrides, seed=seed, profile=run.profile, name=run.name, right=predicted)
    return str(run.name)


def test_runs_are_compared_as_in_the_guide(tmp_path: Path) -> None:
    runs = RecordedRuns(tmp_path / "data")
    (first, second), others = commands("compare-runs.md")
    names = [record(runs, first, 0, HALF), record(runs, second, 1, HALF[::-1])]
    listed, listed_json, compared, drawn, compared_json = (
        xlm(runs.root, *(str(tmp_path / one) if one.endswith(".png") else one for one in words))
        for words in others
    )
    assert all(name in listed for name in names)
    assert {run["name"] for run in json.loads(listed_json)} == set(names)
    assert "p (McNemar)" in compared
    assert "p (McNemar)" in drawn
    assert (tmp_path / "curves.png").is_file()
    assert json.loads(compared_json)["runs"] == names


def test_a_store_is_cleaned_as_in_the_guide(tmp_path: Path) -> None:
    runs = RecordedRuns(tmp_path / "data")
    runs.add(name="base", right={"en": HALF, "sw": HALF})
    runs.add("bpe.codes=9000", seed=1, name="more", right={"en": HALF, "sw": HALF[::-1]})
    for _ in range(12):  # older runs without a name
        runs.add(seed=2)
    shown = runs.add(seed=3)["evaluate"].manifest.key
    for seed in (4, 5):
        removed = runs.add(seed=seed)["evaluate"].manifest.key
    keys = {"bf7e6a41": shown[:8], "4ae1c09b": removed[:8], "/scratch/data": str(tmp_path / "copy")}
    printed: dict[str, str] = {}
    for words in commands("clean-a-store.md")[1]:
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
