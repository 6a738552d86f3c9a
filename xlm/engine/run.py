"""One run: its graph, its store, and the building of single nodes.

    with open_run(graph, request, root="data", workers=2, observer=observer) as run:
        for node in run.selected:
            run.build(node)

`build` may be called from many threads, each node after its inputs; it computes the key, serves a
verified artifact, or builds one under the key's lock.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic

from xlm.engine.built import Building, Built, description_of, measured_of, verdict_line
from xlm.engine.events import Finished, NodeProgress, Observer, Status
from xlm.engine.failures import failure_line
from xlm.engine.graph import Graph
from xlm.engine.inputs import CheckCost, InputChecks
from xlm.engine.mapper import ExecutorMapper, Usage
from xlm.engine.node_key import key_ingredients, stale_reason
from xlm.engine.request import RequestT
from xlm.engine.stage import ConfigT, Node, Stage, StageContext, StageResult
from xlm.errors import MissingUpstreamError, PipelineError, RequeueError, StoreError
from xlm.processes.group import ProgramGroup
from xlm.processes.pool.executor import WorkerPool, on_interrupt, worker_pool
from xlm.store.disk.locks import wait_for_writers
from xlm.store.keys import artifact_key
from xlm.store.records import forget_unfinished
from xlm.store.references import Reference, References
from xlm.store.store import Artifact, ArtifactStore, Verify

log = logging.getLogger(__name__)


@dataclass
class DagRun(Generic[ConfigT, RequestT]):
    """The state that the nodes of a run share."""

    request: RequestT
    graph: Graph[ConfigT]
    store: ArtifactStore
    workers: int
    observer: Observer
    executor: WorkerPool
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    began: float = field(default_factory=time.monotonic)
    results: dict[Node, Built] = field(default_factory=dict)
    failures: dict[Node, str] = field(default_factory=dict)
    asked_to_stop: set[Node] = field(default_factory=set)
    """Failures that are none: their state is saved."""
    _artifacts: dict[Node, Artifact] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.references = References(self.store.root)
        request = self.request
        self.selected = self.graph.select(
            until=request.until, only=request.only, refresh=request.refresh
        )
        self._programs = ProgramGroup()
        self.interrupted = threading.Event()
        self.checks = InputChecks()
        # Stages that compute share the cores; downloads wait for hosts and are limited there.
        self._slots = threading.BoundedSemaphore(self.workers)

    def build(self, node: Node) -> Built:
        """Serve or build one node whose inputs are there.

        Raises:
            MissingUpstreamError: an input outside of the selection has not been built.
            XlmError: whatever the stage found wrong.
        """
        stage = self.graph.stage(node)
        try:
            self._require_uninterrupted()
            built = self._serve_or_build(node, stage, self.request.verify)
        except Exception as error:
            interrupted = self.interrupted.is_set()
            self.failures[node] = (
                "interrupted" if interrupted else failure_line(error, self.store.root)
            )
            if saved := isinstance(error, RequeueError):
                self.asked_to_stop.add(node)
            told = self.failures[node]
            self.observer.finished(Finished(node, "failed", detail=told, saved=saved))
            raise
        return built

    def _serve_or_build(
        self, node: Node, stage: Stage[Any, Any], verify: Verify, *, refresh: bool | None = None
    ) -> Built:
        refresh = self.request.refreshes(node) if refresh is None else refresh
        ingredients, upstream = self._ingredients(node, stage)
        key = artifact_key(ingredients)
        if not refresh and (artifact := self._hit(node, stage, key, verify)) is not None:
            return self._remember(Built(node, "cached", artifact, 0.0), ingredients)
        mended, cost = self._mend_inputs(node)
        if mended:
            # An input that came out with another digest gives another key.
            ingredients, upstream = self._ingredients(node, stage)
            key = artifact_key(ingredients)
        with self.store.lock(
            stage.name,
            key,
            self._require_uninterrupted,
            lambda line: self.observer.noticed(node, line),
        ) as waited:
            # Another builder may have finished since the first look, waited for or not.
            if not refresh and (artifact := self._hit(node, stage, key, verify)) is not None:
                status: Status = "waited" if waited else "cached"
                return self._remember(Built(node, status, artifact, 0.0), ingredients)
            self._wait_for_workers(node, key)
            building = Building(node, stage, key, ingredients, upstream, fresh=mended)
            artifact, seconds = self._build(building, cost)
            return self._remember(Built(node, "built", artifact, seconds), ingredients)

    def _wait_for_workers(self, node: Node, key: str) -> None:
        """Wait for worker processes of a driver that was killed: they may still write."""
        wait_for_writers(
            self.store.writers_lock(node.stage, key),
            self._require_uninterrupted,
            lambda line: self.observer.noticed(node, line),
        )

    def _mend_inputs(self, node: Node) -> tuple[bool, CheckCost]:
        """Hash the inputs of a node that is about to be built; mend what is damaged.

        Returns whether there was damage, and what hashing cost.

        Raises:
            StoreError: an input is damaged and this run does not build it.
        """
        mended, total = False, CheckCost()
        for needed in self.graph.upstream[node].values():
            reason, cost = self.checks.damage(self.locate(needed))
            total += cost
            if reason is None:
                continue
            if needed not in self.selected:
                whole = self.request.whole(str(needed)).model_copy(update={"verify": "deep"})
                command = whole.command(self.store.root)
                raise StoreError(
                    f"{needed}, which {node} is built from, is damaged ({reason})",
                    fix=f"build it again with `{command}`",
                )
            self.observer.noticed(needed, f"is damaged ({reason}) and is built again first")
            built = self._serve_or_build(needed, self.graph.stage(needed), "deep", refresh=False)
            self.checks.wrote(built.artifact)
            mended = True
        return mended, total

    def seconds(self) -> float:
        """How long the run has lasted, whatever was done to the clock."""
        return time.monotonic() - self.began

    def interrupt(self) -> None:
        """End what is being built, without waiting for it; a rerun goes on from there.

        Programs are asked to end, stages are stopped at their next report of progress, waits for
        other builders are given up.
        """
        self.interrupted.set()
        self._programs.end()

    def _require_uninterrupted(self) -> None:
        if self.interrupted.is_set():
            raise PipelineError("interrupted", fix="run the same command again to continue")

    def locate(self, node: Node) -> Artifact:
        """The artifact of a node that this run does not build.

        Raises:
            MissingUpstreamError: it is not there; the message says how to build it.
        """
        if node in self._artifacts:
            return self._artifacts[node]
        stage = self.graph.stage(node)
        try:
            ingredients, _ = self._ingredients(node, stage)
            artifact = self._hit(node, stage, artifact_key(ingredients), self.request.verify)
        except MissingUpstreamError:
            # An input of an input is missing: the user needs the command for this node, once.
            artifact = None
        if artifact is None:
            raise MissingUpstreamError(
                f"{node} has not been built",
                fix=f"run `{self.request.whole(node.stage).command(self.store.root)}`",
            )
        self._artifacts[node] = artifact
        return artifact

    def locate_unselected(self) -> None:
        """Find what selected nodes need from outside of the selection, before anything starts.

        Raises:
            MissingUpstreamError: something is missing; the message says how to build it.
        """
        selected = set(self.selected)
        for node in self.selected:
            for needed in self.graph.upstream[node].values():
                if needed not in selected:
                    self.locate(needed)

    def _ingredients(
        self, node: Node, stage: Stage[Any, Any]
    ) -> tuple[dict[str, Any], dict[str, Artifact]]:
        upstream = {role: self.locate(needed) for role, needed in self.graph.upstream[node].items()}
        digests = {role: artifact.manifest.digest for role, artifact in upstream.items()}
        return key_ingredients(self.graph, node, digests), upstream

    def _hit(self, node: Node, stage: Stage[Any, Any], key: str, verify: Verify) -> Artifact | None:
        artifact = self.store.find(stage.name, key, verify)
        if artifact is None:
            return None
        if (reason := stale_reason(self.graph, node, artifact.manifest)) is not None:
            log.warning("%s is rebuilt: %s", node, reason)
            return None
        return artifact

    def _build(self, building: Building, checked: CheckCost) -> tuple[Artifact, float]:
        node, stage, key = building.node, building.stage, building.key
        config = self.graph.config
        staging = self.store.stage(stage.name, key, fresh=building.fresh)
        forget_unfinished(staging.scratch / "records", staging.out)
        usage = Usage()
        writers = self.store.writers_lock(stage.name, key)
        context: StageContext[Any] = StageContext(
            unit=node.unit,
            config=stage.slice(config, node.unit),
            inputs={role: one.directory for role, one in building.upstream.items()},
            out=staging.out,
            scratch=staging.scratch,
            logs=staging.logs,
            mapper=ExecutorMapper(self.executor, self.workers, usage, writers),
            workers=self.workers,
            progress=NodeProgress(self.observer, node, self._require_uninterrupted),
            cache=self.store.cache_directory("tools"),
            pins=self.store.root / "pins",
        )
        self._require_whole(building)
        if stage.network:
            result, seconds = self._run_stage(node, stage, context, usage)
        else:
            with self._slots:
                result, seconds = self._run_stage(node, stage, context, usage)
        self._require_whole(building)
        description = description_of(key, building.ingredients, building.upstream, result, config)
        measured = measured_of(result, seconds, usage, checked)
        earlier = self.store.digest(stage.name, key)
        artifact = self.store.publish(staging, description, measured, stage.volatile)
        self.checks.wrote(artifact)
        for warning in result.warnings:
            self.observer.noticed(node, f"warning: {warning}")
        if earlier is not None and self.request.refreshes(node):
            self.observer.noticed(node, verdict_line(earlier, artifact.manifest.digest))
        return artifact, seconds

    def _require_whole(self, building: Building) -> None:
        """Refuse inputs that changed since they were hashed; files that did not are not read."""
        for role, artifact in building.upstream.items():
            reason, _ = self.checks.damage(artifact)
            if reason is not None:
                raise StoreError(
                    f"{role} of {building.node} was damaged while it was needed ({reason})",
                    fix="run again: it is built anew first",
                )

    def _run_stage(
        self, node: Node, stage: Stage[Any, Any], context: StageContext[Any], usage: Usage
    ) -> tuple[StageResult, float]:
        """Run the stage in this thread, whose CPU time counts as the workers' does."""
        began, began_cpu = time.monotonic(), time.thread_time()
        self._require_uninterrupted()
        self.observer.started(node)
        with self._programs.collecting():
            result = stage.run(context)
        usage.add(time.thread_time() - began_cpu, 0)
        return result, time.monotonic() - began

    def _remember(self, built: Built, ingredients: dict[str, Any]) -> Built:
        node, manifest = built.node, built.artifact.manifest
        self._artifacts[node] = built.artifact
        self.results[node] = built
        self.failures.pop(node, None)  # a retry got it
        self.references.record(
            self.request.profile,
            node.stage,
            node.unit,
            Reference(manifest.key, manifest.digest, ingredients),
        )
        self.observer.finished(Finished(node, built.status, built.seconds, manifest.digest))
        return built


@contextmanager
def open_run(
    graph: Graph[ConfigT],
    request: RequestT,
    *,
    root: str,
    workers: int,
    observer: Observer,
    pool: WorkerPool | None = None,
) -> Iterator[DagRun[ConfigT, RequestT]]:
    """Check the selection of a request and open a run of it.

    Ctrl-C, SIGTERM or SIGUSR1 inside of the context ends all programs and workers of the run.

    Args:
        root: path or fsspec URL of the store.
        workers: how many processes and stages compute at the same time.
        pool: worker processes that several runs share; by default, each run starts its own.

    Raises:
        ConfigError: the selection names something unknown, or the configuration lacks what a
            selected stage requires.
    """
    store = ArtifactStore.open(root)
    own_pool = worker_pool(workers, store.cache_directory("tools"))
    with own_pool if pool is None else nullcontext(pool) as executor:
        run = DagRun(request, graph, store, workers, observer, executor)
        with on_interrupt(run.interrupt):
            yield run
