"""Describes the pretraining of a plan: tokens per update and language mixture.

    for line in pretraining_lines(request.resolve(), planned, planned, store):
        print(line)

The sizes come from the shards in the store, so the mixture is known after all of them are built.
Pairs that training drops because of their length are included.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from xlm.config.languages.pairs import split_pair
from xlm.config.pipeline import PipelineConfig, source_of_encoder
from xlm.config.training.pretrain import Objective, PretrainConfig
from xlm.dataloader.mixture.preview import expected_mixture, mixture_table
from xlm.dataloader.sampling.pairs import PAIR_EOS_TOKENS
from xlm.engine.plan import PlannedNode
from xlm.engine.stage import Node
from xlm.stages.model.shard_inputs import pretraining_nodes
from xlm.stages.units import kind_of_unit
from xlm.store.manifest import read_manifest
from xlm.store.store import ArtifactStore


@dataclass(frozen=True)
class _Source:
    """One language or directed pair of an objective, with its size."""

    name: str
    objective: Objective
    lines: int
    tokens: int


def pretraining_lines(
    config: PipelineConfig,
    planned: Sequence[PlannedNode],
    with_shards: Sequence[PlannedNode],
    store: ArtifactStore,
) -> Iterator[str]:
    """Yield lines for the terminal; no line if the plan does not include pretraining.

    Args:
        with_shards: planned nodes that include the shards: `planned`, or a plan of more stages.
    """
    if all(one.node.stage != "pretrain" for one in planned):
        return
    if source := source_of_encoder(config):
        yield f"pretrain: no training, the encoder is that of {source}"
        return
    yield f"pretrain: {'; '.join(_batches(config.pretrain))}; {config.pretrain.updates:,} updates"
    if (processes := config.pretrain.processes) > 1:
        yield (
            f"pretrain: {processes} processes; with another number it is another artifact, unless "
            "pretrain.resize=true continues an unfinished run"
        )
    nodes = set(pretraining_nodes(config).values())
    keys = {one.node: one.key for one in with_shards if one.status == "cached" and one.key}
    missing = sum(node not in keys for node in nodes)
    if missing:
        yield (
            f"pretrain: the language mixture is known after all shards are built "
            f"({missing} of {len(nodes)} are missing)"
        )
        return
    counts = {node: read_manifest(store.directory(node.stage, keys[node])).counts for node in nodes}
    rows = expected_mixture(_sources(config.pretrain, counts), config.pretrain)
    yield from mixture_table(rows).split("\n")


def _batches(config: PretrainConfig) -> Iterator[str]:
    parts = config.languages_per_batch
    languages = "one language" if parts == 1 else f"{parts} language draws"
    streams = [name.upper() for name in config.objectives if name != "tlm"]
    if streams:
        tokens = config.stream_rows * config.stream_tokens
        yield (
            f"{tokens:,} tokens per update of {' or '.join(streams)} "
            f"({config.stream_rows:,} sequences of {config.stream_tokens}, {languages})"
        )
    if "tlm" in config.objectives:
        yield f"{config.pair_tokens:,} tokens per update of TLM"


def _sources(
    config: PretrainConfig, counts: Mapping[Node, Mapping[str, int | float | str]]
) -> dict[Objective, list[_Source]]:
    """The sources of each objective, in the order of training."""
    sources: dict[Objective, list[_Source]] = {}
    for objective in config.objectives:
        kind = "pair" if objective == "tlm" else "mono"
        for node in sorted(node for node in counts if kind_of_unit(node.unit) == kind):
            lines = int(counts[node].get("train_lines", 0))
            if not lines:
                continue
            special_tokens = PAIR_EOS_TOKENS if kind == "pair" else 1
            tokens = int(counts[node]["train_tokens"]) + lines * special_tokens
            names = [node.unit]
            if kind == "pair":
                first, second = split_pair(node.unit)
                names.append(f"{second}-{first}")
            sources.setdefault(objective, []).extend(
                _Source(f"{objective}.{name}", objective, lines, tokens) for name in names
            )
    return sources
