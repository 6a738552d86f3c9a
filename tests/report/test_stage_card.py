"""The card of a stage: totals first, readable names, no empty parts."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.pipeline.toy import PIPELINE_JOIN, PIPELINE_LAST, PIPELINE_READ, PipelineToy
from xlm.display.markdown import format_size
from xlm.engine.building.built import Built
from xlm.report.count_tables import count_table, format_count, readable_name, sum_splits, totals
from xlm.report.stage_card import stage_card

TOKENIZED = {"train_lines": 3000, "train_tokens": 40_000, "test_lines": 5, "test_tokens": 70}


def test_totals_of_counts_by_split() -> None:
    assert totals([TOKENIZED, TOKENIZED]) == (
        "| split | lines | tokens |\n| --- | ---: | ---: |\n"
        "| train | 6,000 | 80,000 |\n| test | 10 | 140 |"
    )


def test_totals_of_counts_by_language() -> None:
    shown = totals([{"lines_en": 7, "lines_fr": 8, "sampled_en": 3, "sampled_fr": 4, "codes": 5}])
    assert shown == (
        "| count | value |\n| --- | ---: |\n| codes | 5 |\n\n"
        "| language | lines | sampled |\n| --- | ---: | ---: |\n| en | 7 | 3 |\n| fr | 8 | 4 |"
    )


def test_values_that_cannot_be_added_have_no_total() -> None:
    assert totals([{"share": 0.5, "hash": "ab"}, {"share": 0.25, "hash": "cd"}]) == ""
    assert "0.5" in totals([{"share": 0.5}])
    assert totals([{}]) == totals([{}, {}]) == ""


def test_a_unit_has_one_column_for_all_splits() -> None:
    assert sum_splits(TOKENIZED) == {"lines": 3005, "tokens": 40_070}


def test_counts_that_are_always_zero_have_no_column() -> None:
    found = count_table({"en": {"pairs": 3, "empty_side": 0}, "fr": {"pairs": 0, "empty_side": 0}})
    assert found.header == ("pairs",)
    assert found.rows == {"en": ("3",), "fr": ("0",)}
    assert found.zero == ("empty side",)


def test_zero_counts_are_listed_once() -> None:
    counts = {"pairs": 3, "empty_side": 0}
    assert totals([counts]) == (
        "| count | value |\n| --- | ---: |\n| pairs | 3 |\n\nZero: empty side."
    )
    assert "empty" not in totals([counts, counts])


def test_names_and_values_are_readable() -> None:
    assert readable_name("lines_not_utf8") == "lines not UTF-8"
    assert readable_name("masked-lm.weight_bytes") == "masked-lm weight size"
    assert format_count("host_bytes", 5_908) == "5.9 kB"
    assert format_count("hash", "f" * 64) == "f" * 12
    assert format_count("share", 1 / 3) == "0.3333"
    assert format_count("lines", None) == "–"


@pytest.fixture
def built(pipeline_toy: PipelineToy) -> tuple[list[Built], Path]:
    with pipeline_toy.open() as run:
        found = [run.build(node) for node in run.selected]
    return found, run.store.root


@pytest.mark.slow
def test_the_card_has_totals_first_and_the_complete_command(
    pipeline_toy: PipelineToy, built: tuple[list[Built], Path]
) -> None:
    found, root = built
    request = pipeline_toy.request().model_copy(
        update={"until": "join", "verify": "deep", "refresh": ("last",)}
    )
    reads = [one for one in found if one.node.stage == "read"]
    card = stage_card(PIPELINE_READ, reads, request, root)
    headline, units = card.index("**2 units, all built.**"), card.index("### Units")
    assert headline < card.index("| letters |") < units < card.index("### Artifacts")
    assert "0.0 s" not in card
    assert "<key>" not in card
    assert f"In `{root / 'artifacts' / 'read'}`:" in card
    for one in reads:
        assert f"| {one.node.unit} | `{one.artifact.directory.name}` |" in card
    command = card.rpartition("```sh\n")[2].partition("\n```")[0]
    assert "--until join" in command
    assert "--verify deep" in command
    assert command.endswith(f"--refresh read --verify deep --root {root}")
    assert all("| |" not in line and "|  |" not in line for line in card.splitlines())


def test_many_counts_are_shown_in_tables_that_fit(
    pipeline_toy: PipelineToy, built: tuple[list[Built], Path]
) -> None:
    """The UI cuts a table that is wider than 1,280 pixels less its own columns leave."""
    found, root = built
    many = {f"count of {number}": number + 1 for number in range(14)}
    reads = [
        replace(one, artifact=replace(one.artifact, manifest=manifest))
        for one in found[:2]
        for manifest in [one.artifact.manifest.model_copy(update={"counts": many})]
    ]
    units = stage_card(PIPELINE_READ, reads, pipeline_toy.request(), root).partition("### Units")[2]
    lines = [line for line in units.partition("###")[0].splitlines() if line.startswith("| en")]
    assert len(lines) == 3
    assert max(line.count("|") for line in lines) <= 11
    assert "count<br>of<br>13" in units


def test_a_card_of_one_unit_has_no_table_of_units(
    pipeline_toy: PipelineToy, built: tuple[list[Built], Path]
) -> None:
    found, root = built
    card = stage_card(PIPELINE_JOIN, found[2:3], pipeline_toy.request(), root)
    assert "**Built.**" in card
    assert "### Units" not in card
    assert PIPELINE_LAST.name not in card


def test_the_card_shows_the_cost_of_hashing_inputs(pipeline_toy: PipelineToy) -> None:
    with pipeline_toy.built(pipeline_toy.request(only=("read",))):
        pass
    with pipeline_toy.open() as run:
        found = {node.stage: run.build(node) for node in run.selected}
    hashed_bytes = sum(
        one.artifact.manifest.size_bytes for one in run.results.values() if one.node.stage == "read"
    )
    card = stage_card(PIPELINE_JOIN, [found["join"]], pipeline_toy.request(), run.store.root)
    assert f"The inputs were hashed first, in < 0.1 s ({format_size(hashed_bytes)})." in card
    assert run.checks.total.size_bytes == hashed_bytes
    # The last stage read what this run wrote itself.
    assert "hashed" not in stage_card(
        PIPELINE_LAST, [found["last"]], pipeline_toy.request(), run.store.root
    )
