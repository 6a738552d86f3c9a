"""`xlm results` and `xlm plan` in a terminal and a pipe, after full, partial and no runs."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from tests.cli.terminal import in_terminal
from tests.flows.console import xlm
from tests.release.artifacts import results, write_manifest
from xlm.classification.results.records import write_results
from xlm.cli.plan import shortened
from xlm.pipeline.request import RunRequest

pytestmark = pytest.mark.slow


def make_run(
    root: Path, stages: Sequence[str], name: str, unit: str = "all", **request: Any
) -> None:
    """The record of a run and the artifacts that it names, of the real layout."""
    nodes = []
    for stage in stages:
        key = "key" if unit == "all" else unit
        directory = root / "artifacts" / stage / key
        directory.mkdir(parents=True, exist_ok=True)
        measured = {"wall_seconds": 61.0, "cpu_seconds": 0.01, "peak_memory_bytes": 5_000_000}
        if stage == "pretrain":
            measured |= {"input_check_seconds": 1.22, "input_check_bytes": 28_000_000}
        (directory / "run.json").write_text(json.dumps(measured))
        node = {"stage": stage, "unit": unit, "status": "built"}
        nodes.append(node | {"directory": f"artifacts/{stage}/{key}"})
        if stage == "evaluate":
            write_results(directory, results(["en", "fr", "sw"]))
        if stage == "pretrain":
            (directory / "metrics.jsonl").write_text('{"step": 5, "loss": {"mlm": 2.0}}\n')
        if stage == "vocabulary":
            share = {"words": 10, "tokens": 15, "fertility": 1.5, "unknown_rate": 0.1}
            report = {"en": share | {"vocabulary_share": 0.25}}
            (directory / "report.json").write_text(json.dumps(report))
        if stage == "publish":
            (directory / "masked-lm").mkdir(exist_ok=True)
        write_manifest(directory, stage)
    record = {
        "started": f"2026-11-{name}T10:00:00+00:00",
        "request": RunRequest(**request).model_dump(mode="json"),
        "config": {},
        "nodes": nodes,
    }
    (root / "runs").mkdir(parents=True, exist_ok=True)
    (root / "runs" / f"0000{name}-202611{name}T100000000000.json").write_text(json.dumps(record))


ALL = ("tokenize", "vocabulary", "pretrain", "evaluate", "publish")


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_results_fit_the_terminal_and_are_whole(tmp_path: Path, columns: int) -> None:
    make_run(tmp_path, ALL, "01")
    piped = xlm(tmp_path, "results")
    environment = {"XLM_ROOT": str(tmp_path), "NO_COLOR": "1", "TERM": "dumb"}
    shown = in_terminal("results", columns=columns, environment=environment)
    assert "\x1b" not in shown
    tables = shown.partition("model  ")[0]
    assert max(map(cell_len, tables.splitlines())) <= columns
    assert set(piped.split()) == set(shown.split())


def test_results_say_what_trained_the_encoder(tmp_path: Path) -> None:
    """Not what was configured: the profile names TLM too."""
    make_run(tmp_path, ALL, "01")
    assert "\nThe encoder was pretrained with MLM.\n" in xlm(tmp_path, "results")


def test_results_say_that_the_encoder_was_copied(tmp_path: Path) -> None:
    make_run(tmp_path, ALL, "01")
    pretrain = tmp_path / "artifacts" / "pretrain" / "key"
    (pretrain / "metrics.jsonl").write_text("")
    write_manifest(pretrain, "pretrain", config={"copied": True})
    printed = xlm(tmp_path, "results")
    assert "\nThe encoder is that of another model, without further pretraining.\n" in printed


def test_costs_name_the_stages_that_the_last_run_did_not_have(tmp_path: Path) -> None:
    make_run(tmp_path, ALL, "01")
    make_run(tmp_path, ALL[:1], "02", only=("tokenize",))
    printed = xlm(tmp_path, "results", "--costs")
    assert re.search(r"^tokenize +1 +1 min 01 s", printed, re.MULTILINE)
    assert "0.0 s" not in printed
    assert printed.splitlines()[-1] == (
        "Not in the last run: vocabulary (2026-11-01), pretrain (2026-11-01), "
        "evaluate (2026-11-01), publish (2026-11-01)."
    )
    rows = json.loads(xlm(tmp_path, "results", "--costs", "--json"))
    assert [row["stage"] for row in rows] == list(ALL)


def test_costs_of_a_stage_are_those_of_all_its_units(tmp_path: Path) -> None:
    make_run(tmp_path, ALL, "01")
    make_run(tmp_path, ALL[:1], "02", unit="sw", only=("tokenize[sw]",))
    make_run(tmp_path, ALL[:1], "03", unit="sw", only=("tokenize[sw]",))
    rows = json.loads(xlm(tmp_path, "results", "--costs", "--json"))
    assert [row["stage"] for row in rows] == list(ALL)
    assert (rows[0]["units"], rows[0]["wall_seconds"]) == (2, 122.0)
    assert rows[0]["run_started"].startswith("2026-11-03")


def test_costs_say_what_hashing_inputs_took(tmp_path: Path) -> None:
    make_run(tmp_path, ALL, "01")
    line = "Inputs were hashed in 1.2 s (28.0 MB), 0.4 % of the wall time of all stages."
    assert f"\n\n{line}\n" in xlm(tmp_path, "results", "--costs")
    rows = json.loads(xlm(tmp_path, "results", "--costs", "--json"))
    assert [row["input_check_bytes"] for row in rows] == [0, 0, 28_000_000, 0, 0]
    make_run(tmp_path / "other", ALL[:1], "01")
    assert "Inputs were hashed" not in xlm(tmp_path / "other", "results", "--costs")


def test_an_untracked_file_does_not_count_as_size(tmp_path: Path) -> None:
    make_run(tmp_path, ALL[:1], "01")
    before = xlm(tmp_path, "results", "--costs")
    (tmp_path / "artifacts" / "tokenize" / "key" / "untracked.txt").write_bytes(b"x" * 100_000)
    assert xlm(tmp_path, "results", "--costs") == before


def test_a_part_of_a_run_does_not_hide_the_last_results(tmp_path: Path) -> None:
    make_run(tmp_path, ALL, "01")
    make_run(tmp_path, ALL[:1], "02", only=("tokenize",))
    assert "mean of 3" in xlm(tmp_path, "results")


def test_a_run_that_was_not_evaluated_shows_what_it_has_and_how_to_continue(tmp_path: Path) -> None:
    make_run(tmp_path, ALL[:3], "01", profile="mini15", until="pretrain", overrides=("a.b=c d",))
    printed = xlm(tmp_path, "results")
    assert "tokens per word" in printed
    assert printed.splitlines()[-1] == (
        "This run was not evaluated. Continue with "
        f"`xlm run --profile mini15 --set 'a.b=c d' --root {tmp_path}`."
    )
    shown = json.loads(xlm(tmp_path, "results", "--json"))
    assert shown["languages"] == []
    assert shown["vocabulary"].keys() == {"en"}


def test_a_run_of_the_first_stages_has_nothing_to_show_yet(tmp_path: Path) -> None:
    make_run(tmp_path, ALL[:1], "01", until="tokenize")
    for arguments in (("results",), ("results", "--json")):
        printed = xlm(tmp_path, *arguments, code=1)
        assert printed == (
            f"xlm: no run that reached evaluate in {tmp_path}; "
            f"continue with `xlm run --profile sample --root {tmp_path}`\n"
        )


def test_without_a_run_it_says_what_to_do(tmp_path: Path) -> None:
    for arguments in (("results",), ("results", "--costs")):
        printed = xlm(tmp_path, *arguments, code=1)
        assert printed == f"xlm: no run in {tmp_path}; start one with `xlm run`\n"
    printed = xlm(tmp_path, "results", "--profile", "mini15", code=1)
    assert printed.endswith("start one with `xlm run --profile mini15`\n")


@pytest.mark.parametrize("columns", [60, 80])
def test_a_plan_fits_the_terminal_and_addresses_are_whole(tmp_path: Path, columns: int) -> None:
    # The environments of both may differ in the number of workers, which the costs depend on.
    arguments = ("plan", "--profile", "mini15", "--until", "split", "--languages", "en,sw", "-j2")
    piped = xlm(tmp_path, *arguments)
    shown = in_terminal(*arguments, columns=columns, environment={"XLM_ROOT": str(tmp_path)})
    assert set(piped.split()) == set(shown.split())
    for line in shown.splitlines():
        assert cell_len(line) <= columns or line.strip().startswith("https://")


def test_digests_are_shown_by_their_first_digits() -> None:
    digest = "0123456789abcdef" * 4
    assert shortened(f"tool x: {digest} -> none") == "tool x: 0123456789ab... -> none"
    assert shortened("codes: 8000 -> 9000; cafe deadbeef") == "codes: 8000 -> 9000; cafe deadbeef"
