"""Estimates what a run costs before it starts: bytes, CPU hours, memory and disk of each stage.

    estimate = estimate_run(graph, planned, selected, store, workers)
    estimate.disk_bytes, [one.stage for one in estimate.stages]

Sizes go from input to output: that of a download is known or assumed, and each stage writes a share
of what it reads. Rates are those of earlier runs on this machine, else those of a committed table.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from xlm.config.pipeline import PipelineConfig
from xlm.engine.graph import Graph
from xlm.engine.plan import PlannedNode
from xlm.engine.pruned_inputs import read_inputs
from xlm.engine.stage import Node
from xlm.pipeline.costs.learning import learning_cost
from xlm.pipeline.costs.rates import GIGABYTE, Rate, RateTable, rate_table
from xlm.pipeline.costs.recorded import recorded_rates
from xlm.pipeline.costs.sources import SizeOrigin, most_bytes, own_bytes, source_size
from xlm.stages.data.download import DOWNLOAD
from xlm.stages.data.make_world import MAKE_WORLD
from xlm.stages.text.learn_bpe import LEARN_BPE
from xlm.stages.units import kind_of_unit
from xlm.store.store import ArtifactStore

DRIVER_BYTES = 400_000_000
"""Memory of the process that drives a run."""
_NODE_SECONDS = 0.2
"""What each node costs besides its bytes."""
_WORLD_BYTES = 8_000_000
MODEL_STAGES = ("pretrain", "finetune", "score", "select", "evaluate", "publish")
"""Their time depends on the device: it is not estimated, but their disk is."""
_STAGES_WITH_REVISIONS = ("pretrain", "publish")
_BYTES_PER_PARAMETER = 4
_STATE_PER_PARAMETER = 12
"""Bytes of weights and optimizer in a checkpoint."""
_PROGRAM = 2.4
"""CPU time of the program wikiextractor for that of the builtin engine, which the table has."""
_DOCUMENTS = 1.5
"""What `extract.documents` adds to the text: the same text again, compressed."""
_BYTES_PER_ENTRY = {"learn-bpe": 20, "vocabulary": 40}
"""Bytes of a merge, and of a token of the vocabulary: the files do not grow with the text."""
_FLAT_PER_SHARD_BYTE = 2.9
"""Training copies the ids of all shards: 4 bytes for each token, of which a shard has 1.4."""

RateOrigin = Literal["recorded", "table", "mixed", ""]


@dataclass
class StageEstimate:
    """What the nodes of a stage that are not in the store cost together."""

    stage: str
    nodes: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    scratch_bytes: int = 0
    cpu_seconds: float = 0.0
    serial_seconds: float = 0.0
    """The part of the CPU time that one core does alone."""
    wall_seconds: float = 0.0
    memory_bytes: int = 0
    origins: set[str] = field(default_factory=set)

    @property
    def origin(self) -> RateOrigin:
        """Where its rates come from; empty if nothing was estimated by rates."""
        if self.origins == {"recorded"}:
            return "recorded"
        if self.origins == {"table"}:
            return "table"
        return "mixed" if self.origins else ""


@dataclass(frozen=True)
class Estimate:
    """What a run costs."""

    stages: tuple[StageEstimate, ...]
    workers: int
    download_bytes: int
    download_seconds: float
    """At a polite rate: one server after its own limit, different servers at the same time."""
    size_origins: Mapping[SizeOrigin, int]
    """Bytes to download, by where their size comes from."""
    download_sizes: Mapping[str, int]
    """Bytes of each download, by its id."""
    disk_bytes: int
    """Peak of what the run adds to the disk."""
    stays_bytes: int
    """What is left of it at the end."""
    without_time: tuple[str, ...]
    """Stages to build that no time is estimated for."""
    machine: str
    """The machine of the committed table."""

    @property
    def cpu_seconds(self) -> float:
        """CPU time of all stages."""
        return sum(one.cpu_seconds for one in self.stages)

    @property
    def wall_seconds(self) -> float:
        """Time of all stages with the workers, one stage after the other, without downloads."""
        return sum(one.wall_seconds for one in self.stages if one.stage != DOWNLOAD.name)

    @property
    def memory_bytes(self) -> int:
        """The largest need of a stage."""
        return max((one.memory_bytes for one in self.stages), default=0)


def estimate_run(
    graph: Graph[PipelineConfig],
    planned: Mapping[Node, PlannedNode],
    selected: Collection[Node],
    store: ArtifactStore,
    workers: int,
) -> Estimate:
    """Estimate what a run costs that builds what the plan says.

    Args:
        graph: the DAG.
        planned: the plan of all its nodes, also of those outside of the selection.
        selected: the nodes of the request.
        store: the store of the run.
        workers: number of worker processes.

    Raises:
        ConfigError: a size cannot be looked up.
    """
    with store.tool_cache() as cache:
        return _Estimator(graph, planned, store, workers, cache).estimate(selected)


class _Estimator:
    def __init__(
        self,
        graph: Graph[PipelineConfig],
        planned: Mapping[Node, PlannedNode],
        store: ArtifactStore,
        workers: int,
        cache: Path,
    ) -> None:
        self._graph, self._planned, self._workers = graph, planned, workers
        self._cache = cache
        self._table: RateTable = rate_table()
        self._recorded = recorded_rates(store)
        self._sizes: dict[Node, int] = {}
        self._downloads: dict[SizeOrigin, int] = {}
        self._download_sizes: dict[str, int] = {}
        self._hosts: dict[str, int] = {}

    def estimate(self, selected: Collection[Node]) -> Estimate:
        """Estimate all nodes in order; see `estimate_run`."""
        chosen = set(selected)
        stages: dict[str, StageEstimate] = {}
        for node in self._graph.nodes:
            one = self._planned[node]
            is_new = node in chosen and one.status in ("build", "pending", "remote")
            read = sum(self._sizes[needed] for needed in read_inputs(self._graph, node))
            read += own_bytes(self._graph.config, node.stage, node.unit)
            written = self._written(one, read, is_new)
            self._sizes[node] = written
            if is_new:
                total = stages.setdefault(node.stage, StageEstimate(node.stage))
                self._add(total, one, read, written)
        found = tuple(stages.values())
        for total in found:
            self._finish(total)
        download_seconds = (
            max(self._hosts.values(), default=0) / self._table.download_bytes_per_second
        )
        if (download := stages.get(DOWNLOAD.name)) is not None:
            download.wall_seconds = download_seconds
        return Estimate(
            stages=found,
            workers=self._workers,
            download_bytes=sum(self._hosts.values()),
            download_seconds=download_seconds,
            size_origins=self._downloads,
            download_sizes=self._download_sizes,
            disk_bytes=_peak(found),
            stays_bytes=sum(one.output_bytes for one in found),
            without_time=tuple(one.stage for one in found if one.stage in MODEL_STAGES),
            machine=self._table.machine,
        )

    def _written(self, planned: PlannedNode, read: int, is_new: bool) -> int:
        """The bytes of an artifact: known from its manifest, or estimated."""
        node = planned.node
        if node.stage == DOWNLOAD.name and is_new and planned.status != "remote":
            size = source_size(self._graph.config, node.unit, self._cache)
            known = planned.manifest.size_bytes if planned.manifest else size.size_bytes
            self._download_sizes[node.unit] = known
            self._downloads[size.origin] = self._downloads.get(size.origin, 0) + known
            if size.host:
                self._hosts[size.host] = self._hosts.get(size.host, 0) + known
            return known
        if planned.manifest is not None:
            return planned.manifest.size_bytes
        if node.stage == DOWNLOAD.name:
            return source_size(self._graph.config, node.unit, self._cache).size_bytes
        if node.stage == MAKE_WORLD.name:
            return _WORLD_BYTES
        if node.stage in MODEL_STAGES:
            has_weights = node.stage not in ("score", "evaluate")
            models = has_weights + self._revisions * (node.stage in _STAGES_WITH_REVISIONS)
            return self._parameters() * _BYTES_PER_PARAMETER * models
        if node.stage in _BYTES_PER_ENTRY:
            return self._entries() * _BYTES_PER_ENTRY[node.stage]
        rate = self._rate(node)
        copies = _DOCUMENTS if node.stage == "extract-wiki" and self._documents else 1.0
        # A stage without a rate counts as one that keeps what it reads.
        kept = read * rate.output_per_input * copies if rate else read
        inputs = len(read_inputs(self._graph, node))
        return int(min(kept, most_bytes(self._graph.config, node.stage, inputs)))

    def _is_program(self, node: Node) -> bool:
        return node.stage == "extract-wiki" and self._graph.config.extract.engine == "wikiextractor"

    @property
    def _documents(self) -> bool:
        return self._graph.config.extract.documents

    def _entries(self) -> int:
        config = self._graph.config
        return max(config.bpe.codes, config.vocabulary.size)

    def _add(self, total: StageEstimate, planned: PlannedNode, read: int, written: int) -> None:
        node = planned.node
        total.nodes += 1
        total.input_bytes += read
        total.output_bytes += written
        if planned.status == "remote":
            return
        total.cpu_seconds += _NODE_SECONDS
        if node.stage in MODEL_STAGES:
            if node.stage == "pretrain":
                total.scratch_bytes += self._training_bytes(read)
            return
        if node.stage == LEARN_BPE.name:
            self._add_learning(total, node)
            return
        total.scratch_bytes += int(read * self._table.scratch_per_input.get(node.stage, 0.0))
        if (rate := self._rate(node)) is not None:
            slower = _PROGRAM if self._is_program(node) and rate.origin == "table" else 1.0
            total.cpu_seconds += read / GIGABYTE * rate.cpu_seconds_per_gigabyte * slower
            total.memory_bytes = max(total.memory_bytes, rate.memory_bytes)
            total.origins.add(rate.origin)

    def _add_learning(self, total: StageEstimate, node: Node) -> None:
        sizes = {one: self._sizes[one] for one in self._graph.upstream[node].values()}
        if self._graph.config.bpe.source != "rebuild" or not sizes:
            return
        cost = learning_cost(self._graph.config.bpe, sizes, self._table)
        rate = self._rate(node)
        if not cost.is_counted and rate is not None:
            # A run records the time for each byte of the corpus.
            read = sum(sizes.values()) if rate.origin == "recorded" else cost.sampled_bytes
            total.serial_seconds += read / GIGABYTE * rate.cpu_seconds_per_gigabyte
        total.serial_seconds += cost.serial_seconds
        total.cpu_seconds += cost.spread_seconds + total.serial_seconds
        total.scratch_bytes += cost.scratch_bytes
        total.memory_bytes = DRIVER_BYTES + cost.memory_bytes
        total.origins.add("table" if cost.is_counted or rate is None else rate.origin)

    def _finish(self, total: StageEstimate) -> None:
        """Turn sums of units into the wall time and the memory of the whole stage."""
        if total.stage in MODEL_STAGES:
            total.cpu_seconds = 0.0
            return
        spread_seconds = total.cpu_seconds - total.serial_seconds
        total.wall_seconds = spread_seconds / self._workers + total.serial_seconds
        if total.stage != LEARN_BPE.name and total.origins:
            total.memory_bytes = DRIVER_BYTES + total.memory_bytes * self._workers

    def _training_bytes(self, read: int) -> int:
        config = self._graph.config.pretrain
        checkpoints = self._parameters() * _STATE_PER_PARAMETER * (config.keep_checkpoints + 1)
        revisions = self._parameters() * _BYTES_PER_PARAMETER * self._revisions
        return int(read * _FLAT_PER_SHARD_BYTE) + checkpoints + revisions

    @property
    def _revisions(self) -> int:
        """How many earlier weights pretraining keeps, if it does not stop early."""
        config = self._graph.config.pretrain
        if config.revision_updates is None or self._graph.config.finetune.encoder is not None:
            return 0
        return (config.updates - 1) // config.revision_updates

    def _parameters(self) -> int:
        model = self._graph.config.model
        return model.dimension * (self._entries() + 12 * model.layers * model.dimension)

    def _rate(self, node: Node) -> Rate | None:
        for name in (node.unit, kind_of_unit(node.unit), ""):
            if (found := self._recorded.get((node.stage, name))) is not None:
                return found
        return self._table.rate(node.stage, node.unit)


def _peak(stages: Sequence[StageEstimate]) -> int:
    """The peak of the disk if the stages run one after the other and everything stays."""
    there = peak = 0
    for one in stages:
        there += one.output_bytes
        peak = max(peak, there + one.scratch_bytes)
    return peak
