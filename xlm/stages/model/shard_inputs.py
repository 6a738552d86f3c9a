"""The shards that a model stage reads, by kind of unit: "mono", "pair" or "xnli".

data_nodes(config, "mono", "pair") == {"data.sw": Node("shard", "sw"), "data.en-sw": ...}
"""

from collections.abc import Mapping
from pathlib import Path

from xlm.config.data.text import UnitKind
from xlm.config.pipeline import PipelineConfig
from xlm.engine.stage import Node
from xlm.stages.units import XNLI_PREFIX, kind_of_unit, text_units

_ROLE = "data."


def data_nodes(config: PipelineConfig, *kinds: UnitKind) -> dict[str, Node]:
    """Input role to shard node, for all units of the given kinds."""
    return {
        f"{_ROLE}{unit}": Node("shard", unit)
        for unit in text_units(config)
        if kind_of_unit(unit) in kinds
    }


def pretraining_nodes(config: PipelineConfig) -> dict[str, Node]:
    """Input role to shard node for pretraining: pairs only if TLM is an objective."""
    if "tlm" in config.pretrain.objectives:
        return data_nodes(config, "mono", "pair")
    return data_nodes(config, "mono")


def data_inputs(inputs: Mapping[str, Path], kind: UnitKind) -> dict[str, Path]:
    """Directories of the shards of one kind, by language or pair."""
    return {
        role.removeprefix(_ROLE).removeprefix(XNLI_PREFIX): path
        for role, path in sorted(inputs.items())
        if role.startswith(_ROLE) and kind_of_unit(role.removeprefix(_ROLE)) == kind
    }
