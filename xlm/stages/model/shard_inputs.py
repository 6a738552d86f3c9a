"""The shards that a model stage reads, by kind of unit.

data_nodes(config, "mono", "pair") == {"data.sw": Node("shard", "sw"), "data.en-sw": ...}
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from xlm.config.data.text import UnitKind
from xlm.config.data.translations import original_of
from xlm.config.pipeline import PipelineConfig
from xlm.engine.stage import Node
from xlm.stages.units import kind_of_unit, languages_of_unit, text_units, translated_units

_ROLE = "data."


def data_nodes(config: PipelineConfig, *kinds: UnitKind) -> dict[str, Node]:
    """Input role to shard node, for all units of the given kinds."""
    return {
        f"{_ROLE}{unit}": Node("shard", unit)
        for unit in text_units(config)
        if kind_of_unit(unit) in kinds
    }


def task_nodes(units: Sequence[str]) -> dict[str, Node]:
    """Input role to shard node, for units of the classification task."""
    return {f"{_ROLE}{unit}": Node("shard", unit) for unit in units}


def translated_nodes(config: PipelineConfig) -> dict[str, Node]:
    """Input role to shard node, for the English translations of test rows."""
    return task_nodes(translated_units(config))


def pretraining_nodes(config: PipelineConfig) -> dict[str, Node]:
    """Input role to shard node for pretraining: pairs only if TLM is an objective."""
    if "tlm" in config.pretrain.objectives:
        return data_nodes(config, "mono", "pair")
    return data_nodes(config, "mono")


def data_inputs(inputs: Mapping[str, Path], kind: UnitKind) -> dict[str, Path]:
    """Directories of the shards of one kind, by language or pair."""
    return {unit: path for unit, path in _units(inputs) if kind_of_unit(unit) == kind}


def task_inputs(inputs: Mapping[str, Path]) -> dict[str, Path]:
    """Directories of the shards of the classification task, by language; not translations."""
    return {
        languages_of_unit(unit)[0]: path
        for unit, path in _units(inputs)
        if kind_of_unit(unit) not in ("mono", "pair") and not original_of(unit)
    }


def translated_inputs(inputs: Mapping[str, Path]) -> dict[str, Path]:
    """Directories of the shards of English translations, by the language of the originals."""
    return {
        original_of(unit): path
        for unit, path in _units(inputs)
        if kind_of_unit(unit) == "xnli" and original_of(unit)
    }


def _units(inputs: Mapping[str, Path]) -> list[tuple[str, Path]]:
    return [
        (role.removeprefix(_ROLE), path)
        for role, path in sorted(inputs.items())
        if role.startswith(_ROLE)
    ]
