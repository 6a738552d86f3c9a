"""Which shards a model stage reads: monolingual, parallel or XNLI, told apart by their unit.

data_nodes(config, MONO, PAIR) == {"data.sw": Node("shard", "sw"), "data.en-sw": ...}
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from xlm.config.pipeline import PipelineConfig
from xlm.stages.stage import Node

MONO: Final = "mono"
PAIR: Final = "pair"
XNLI: Final = "xnli"

_ROLE = "data."
_XNLI_UNIT = "xnli."


def unit_kind(unit: str) -> str:
    """The kind of a unit of the shard stage: `sw`, `en-sw` or `xnli.sw`."""
    if unit.startswith(_XNLI_UNIT):
        return XNLI
    return PAIR if "-" in unit else MONO


def data_nodes(config: PipelineConfig, *kinds: str) -> dict[str, Node]:
    """Role to node of every shard unit of the given kinds."""
    from xlm.stages.shard import SHARD  # a late import: stages name each other

    return {
        f"{_ROLE}{unit}": Node("shard", unit)
        for unit in SHARD.units(config)
        if unit_kind(unit) in kinds
    }


def data_inputs(inputs: Mapping[str, Path], kind: str) -> dict[str, Path]:
    """The directories of one kind: by language, by pair, or by language for XNLI."""
    found = {}
    for role, path in sorted(inputs.items()):
        unit = role.removeprefix(_ROLE)
        if role.startswith(_ROLE) and unit_kind(unit) == kind:
            found[unit.removeprefix(_XNLI_UNIT)] = path
    return found
