"""Units of the stages, and the kinds and languages that their names stand for."""

import pytest

from xlm.config.data.text import UnitKind
from xlm.config.reading.resolve import resolve
from xlm.stages.model.shard_inputs import (
    data_inputs,
    data_nodes,
    pretraining_nodes,
    task_inputs,
    task_nodes,
)
from xlm.stages.units import corpus_units, kind_of_unit, languages_of_unit, task_units, text_units


@pytest.mark.parametrize(
    ("unit", "kind", "languages"),
    [
        ("sw", "mono", ("sw",)),
        ("en-sw", "pair", ("en", "sw")),
        ("ar-en", "pair", ("ar", "en")),
        ("xnli.sw", "xnli", ("sw",)),
    ],
)
def test_kind_and_languages_of_a_unit(
    unit: str, kind: UnitKind, languages: tuple[str, ...]
) -> None:
    assert kind_of_unit(unit) == kind
    assert languages_of_unit(unit) == languages


def test_units_of_a_run_with_a_language_outside_xnli() -> None:
    config = resolve("mini15", [], ["sw", "ja", "en"])
    assert corpus_units(config) == ("en", "ja", "sw", "en-ja", "en-sw")
    assert task_units(config) == ("xnli.en", "xnli.sw")
    assert text_units(config) == corpus_units(config) + task_units(config)


def test_shards_of_pretraining_have_pairs_only_for_tlm() -> None:
    config = resolve("mini15", [], ["en", "sw"])
    assert [str(node) for node in pretraining_nodes(config).values()] == [
        "shard[en]",
        "shard[sw]",
        "shard[en-sw]",
    ]
    masked = resolve("mini15", ["pretrain.objectives=[mlm]"], ["en", "sw"])
    assert list(pretraining_nodes(masked)) == ["data.en", "data.sw"]


def test_inputs_are_grouped_by_kind(tmp_path) -> None:
    config = resolve("mini15", [], ["en", "sw"])
    roles = data_nodes(config, "mono", "pair") | task_nodes(task_units(config))
    inputs = {role: tmp_path / role for role in roles} | {"vocabulary": tmp_path}
    assert data_inputs(inputs, "mono") == {code: tmp_path / f"data.{code}" for code in ("en", "sw")}
    assert data_inputs(inputs, "pair") == {"en-sw": tmp_path / "data.en-sw"}
    assert task_inputs(inputs) == {code: tmp_path / f"data.xnli.{code}" for code in ("en", "sw")}
