"""What pretraining would see: tokens of an update, and how often each language comes up.

    for line in pretraining_lines(request.resolve(), steps, steps, store):
        print(line)

Sizes are those of the shards that a run would take from the store, so they are known once all of
them are built. Pairs that training leaves out for their length are counted here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from xlm.config.languages.pairs import split_pair
from xlm.config.pipeline import PipelineConfig
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
class _StepSize:
    name: str
    objective: Objective
    lines: int
    tokens: int


def pretraining_lines(
    config: PipelineConfig,
    steps: Sequence[PlannedNode],
    sized: Sequence[PlannedNode],
    store: ArtifactStore,
) -> Iterator[str]:
    """Lines for people; none where the plan does not include pretraining.

    `sized` are steps that include the shards: `steps`, unless these are a part of the DAG.
    """
    if all(step.node.stage != "pretrain" for step in steps):
        return
    yield f"pretrain: {'; '.join(_batches(config.pretrain))}; {config.pretrain.updates:,} updates"
    nodes = set(pretraining_nodes(config).values())
    keys = {step.node: step.key for step in sized if step.status == "cached" and step.key}
    missing = sum(node not in keys for node in nodes)
    if missing:
        yield (
            f"pretrain: how often each language is seen is known once all shards are built "
            f"({missing} of {len(nodes)} are missing)"
        )
        return
    counts = {node: read_manifest(store.directory(node.stage, keys[node])).counts for node in nodes}
    rows = expected_mixture(_sizes(config.pretrain, counts), config.pretrain)
    yield from mixture_table(rows).split("\n")


def _batches(config: PretrainConfig) -> Iterator[str]:
    parts = config.languages_per_batch
    drawn = "one language" if parts == 1 else f"{parts} draws of a language"
    streams = [name.upper() for name in config.objectives if name != "tlm"]
    if streams:
        tokens = config.stream_rows * config.stream_tokens
        yield (
            f"{tokens:,} tokens in an update of {' or '.join(streams)} "
            f"({config.stream_rows:,} sequences of {config.stream_tokens}, {drawn})"
        )
    if "tlm" in config.objectives:
        yield f"{config.pair_tokens:,} tokens of pairs in an update of TLM"


def _sizes(
    config: PretrainConfig, counts: Mapping[Node, Mapping[str, int | float | str]]
) -> dict[Objective, list[_StepSize]]:
    """The steps in the order in which training numbers them."""
    sizes: dict[Objective, list[_StepSize]] = {}
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
            sizes.setdefault(objective, []).extend(
                _StepSize(f"{objective}.{name}", objective, lines, tokens) for name in names
            )
    return sizes
