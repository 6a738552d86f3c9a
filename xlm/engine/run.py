"""One run: its graph, its store, and the building of single nodes.

    with open_run(graph, request, root="data", workers=2, observer=observer) as run:
        for node in run.selected:
            run.build(node)

`build` computes the key of a node, then serves a verified artifact or builds one while it holds the
lock of the key. Many threads may call it, for each node after its inputs.
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
from xlm.store.artifact import Artifact
from xlm.store.disk.locks import wait_for_writers
from xlm.store.file_jobs import remove_unfinished
from xlm.store.keys import artifact_key
from xlm.store.publication import publish_artifact
from xlm.store.references import Reference, References
from xlm.store.store import ArtifactStore, Verify

log = logging.getLogger(__name__)


@dataclass
class DagRun(Generic[ConfigT, RequestT]):
    """One run of a request: the state that all its nodes share."""

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
    stopped: set[Node] = field(default_factory=set)
    """Nodes that stopped on request and saved their state: the next run continues them."""
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
        # Stages that compute share the cores. Downloads mostly wait; the fetcher limits them.
        self._slots = threading.BoundedSemaphore(self.workers)

    def build(self, node: Node) -> Built:
        """Serve a node from the store, or build it from its inputs, which must exist.

        Raises:
            MissingUpstreamError: an input outside of the selection has not been built.
            XlmError: the stage failed.
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
                self.stopped.add(node)
            line = self.failures[node]
            self.observer.finished(Finished(node, "failed", detail=line, saved=saved))
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
        rebuilt, cost = self._rebuild_damaged_inputs(node)
        if rebuilt:
            # A rebuilt input with another digest gives another key.
            ingredients, upstream = self._ingredients(node, stage)
            key = artifact_key(ingredients)
        with self.store.lock(
            stage.name,
            key,
            self._require_uninterrupted,
            lambda line: self.observer.noticed(node, line),
        ) as waited:
            # Another run may have built it since the first lookup.
            if not refresh and (artifact := self._hit(node, stage, key, verify)) is not None:
                status: Status = "waited" if waited else "cached"
                return self._remember(Built(node, status, artifact, 0.0), ingredients)
            self._wait_for_workers(node, key)
            building = Building(node, stage, key, ingredients, upstream, fresh=rebuilt)
            artifact, seconds = self._build(building, cost)
            return self._remember(Built(node, "built", artifact, seconds), ingredients)

    def _wait_for_workers(self, node: Node, key: str) -> None:
        """Wait until the workers of a driver that was killed have ended: they may still write."""
        wait_for_writers(
            self.store.writers_lock(node.stage, key),
            self._require_uninterrupted,
            lambda line: self.observer.noticed(node, line),
        )

    def _rebuild_damaged_inputs(self, node: Node) -> tuple[bool, CheckCost]:
        """Hash the inputs of a node before it is built, and rebuild those that are damaged.

        Returns whether any was rebuilt, and the cost of hashing.

        Raises:
            StoreError: an input is damaged and outside of the selection.
        """
        rebuilt, total = False, CheckCost()
        for needed in self.graph.upstream[node].values():
            reason, cost = self.checks.damage(self.locate(needed))
            total += cost
            if reason is None:
                continue
            if needed not in self.selected:
                request = self.request.building(str(needed)).model_copy(update={"verify": "deep"})
                command = request.command(self.store.root)
                raise StoreError(
                    f"{needed}, an input of {node}, is damaged ({reason})",
                    fix=f"rebuild it with `{command}`",
                )
            self.observer.noticed(needed, f"is damaged ({reason}); rebuilding it first")
            built = self._serve_or_build(needed, self.graph.stage(needed), "deep", refresh=False)
            self.checks.wrote(built.artifact)
            rebuilt = True
        return rebuilt, total

    def seconds(self) -> float:
        """Seconds since the run began, by a clock that cannot be set back."""
        return time.monotonic() - self.began

    def interrupt(self) -> None:
        """Stop the run without waiting for it; the next run continues from there.

        Programs receive a signal, stages stop at their next progress report, and nobody waits for
        the locks of other runs any longer.
        """
        self.interrupted.set()
        self._programs.end()

    def _require_uninterrupted(self) -> None:
        if self.interrupted.is_set():
            raise PipelineError("interrupted", fix="run the same command again to continue")

    def locate(self, node: Node) -> Artifact:
        """Return the artifact of a node without building it.

        Raises:
            MissingUpstreamError: it does not exist; the message has the command that builds it.
        """
        if node in self._artifacts:
            return self._artifacts[node]
        stage = self.graph.stage(node)
        try:
            ingredients, _ = self._ingredients(node, stage)
            artifact = self._hit(node, stage, artifact_key(ingredients), self.request.verify)
        except MissingUpstreamError:
            # An input of this node is missing too. One command builds both.
            artifact = None
        if artifact is None:
            raise MissingUpstreamError(
                f"{node} has not been built",
                fix=f"run `{self.request.building(node.stage).command(self.store.root)}`",
            )
        self._artifacts[node] = artifact
        return artifact

    def locate_unselected(self) -> None:
        """Locate the inputs outside of the selection before anything is built.

        Raises:
            MissingUpstreamError: one does not exist; the message has the command that builds it.
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
        staging = self.store.open_staging(stage.name, key, fresh=building.fresh)
        remove_unfinished(staging.scratch / "records", staging.out)
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
        artifact = publish_artifact(self.store, staging, description, measured, stage.volatile)
        self.checks.wrote(artifact)
        for warning in result.warnings:
            self.observer.noticed(node, f"warning: {warning}")
        if earlier is not None and self.request.refreshes(node):
            self.observer.noticed(node, verdict_line(earlier, artifact.manifest.digest))
        return artifact, seconds

    def _require_whole(self, building: Building) -> None:
        """Refuse inputs that changed since they were hashed. Unchanged files are not read again."""
        for role, artifact in building.upstream.items():
            reason, _ = self.checks.damage(artifact)
            if reason is not None:
                raise StoreError(
                    f"{role}, an input of {building.node}, was damaged during the build ({reason})",
                    fix="run the same command again to rebuild it first",
                )

    def _run_stage(
        self, node: Node, stage: Stage[Any, Any], context: StageContext[Any], usage: Usage
    ) -> tuple[StageResult, float]:
        """Run the stage in this thread and add its CPU time to that of the workers."""
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
        self.failures.pop(node, None)  # an earlier attempt may have failed
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
