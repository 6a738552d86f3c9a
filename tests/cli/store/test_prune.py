"""`xlm store prune` and `xlm plan`, as real processes, on the sample world in two languages."""

import json
from pathlib import Path

import pytest

from tests.flows.console import xlm

pytestmark = pytest.mark.slow
SMALL = ("--languages", "en,sw")


def test_a_store_is_pruned_and_what_is_read_again_comes_back(tmp_path: Path) -> None:
    root = tmp_path / "data"
    xlm(root, "run", *SMALL, "--until", "shard[sw]")
    before = json.loads(xlm(root, "plan", *SMALL, "--json"))
    printed = xlm(root, "store", "prune", "--dry-run")
    found = json.loads(xlm(root, "store", "prune", "--json"))
    assert f"{len(found['artifacts'])} artifacts would be pruned" in printed
    pruned = {(one["stage"], one["unit"]) for one in found["artifacts"]}
    assert ("extract-wiki", "sw") in pruned
    assert not {"learn-bpe", "vocabulary", "shard"} & {stage for stage, _ in pruned}
    # `apply-bpe[en]` is built for the vocabulary, and `shard[en]` is not built yet.
    kept = {(one["stage"], one["reason"]) for one in found["kept"]}
    assert ("apply-bpe", "shard[en] of run 1 is not built") in kept
    after = json.loads(xlm(root, "plan", *SMALL, "--json"))
    assert [one["key"] for one in before] == [one["key"] for one in after]
    # The plan of everything builds other shards: what these read is there.
    statuses = {(one["stage"], one["unit"]): one["status"] for one in after}
    assert {statuses[node] for node in pruned} == {"pruned"}
    assert "0 artifacts pruned" in xlm(root, "store", "prune")
    xlm(root, "run", *SMALL, "--until", "tokenize[sw]")
    assert "tokenize[sw]  " in xlm(root, "store", "ls", "tokenize")
    statuses = {
        (one["stage"], one["unit"]): one["status"]
        for one in json.loads(xlm(root, "plan", *SMALL, "--json"))
    }
    assert statuses["tokenize", "sw"] == "cached"
    assert "0 damaged" in xlm(root, "store", "verify")


def test_the_plan_of_the_paper_prints_totals_with_their_assumptions(tmp_path: Path) -> None:
    lines = xlm(tmp_path, "plan", "--profile", "xnli15", "--workers", "64").splitlines()
    first, second = (line for line in lines if line.startswith("estimate: "))
    assert " GB assumed" in first
    assert " of disk at most" in first
    assert " with 64 workers" in second
    assert " of memory; rates of a reference machine" in second
    table = xlm(tmp_path, "plan", "--profile", "xnli15", "--costs").splitlines()
    assert table[0].split()[:4] == ["stage", "nodes", "in", "out"]
    costs = json.loads(xlm(tmp_path, "plan", "--profile", "xnli15", "--costs", "--json"))["costs"]
    assert costs["disk_bytes"] > costs["stays_bytes"] > 10**11


def test_an_unknown_stage_to_keep_is_one_line(tmp_path: Path) -> None:
    printed = xlm(tmp_path, "store", "prune", "--keep", "down-load", code=1)
    assert printed == "xlm: no stage 'down-load'; did you mean 'download'?\n"
