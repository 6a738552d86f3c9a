"""One run: its graph, its store, and the building of single nodes.

    with open_run(request, observer) as run:
        for node in run.selected:
            run.build(node)

`build` may be called from many threads, each node after its inputs; it computes the key, serves a
verified artifact, or builds one under the key's lock.
"""

import errno
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from xlm.config.settings import Settings
from xlm.errors import MissingUpstreamError, PipelineError, RequeueError
from xlm.launch.group import ProgramGroup
from xlm.pipeline.graph import Graph, stage_named
from xlm.pipeline.machine import machine_record
from xlm.pipeline.mapper import ExecutorMapper, Usage, resident_memory_bytes
from xlm.pipeline.observer import Finished, NodeProgress, Observer, Status
from xlm.pipeline.pool import WorkerPool, on_interrupt, worker_pool
from xlm.pipeline.request import RunRequest
from xlm.stage import Node, Outcome, Source, Stage, Work
from xlm.store.keys import artifact_key, ingredients_of, tool_version
from xlm.store.manifest import UpstreamRecord
from xlm.store.records import forget_unfinished
from xlm.store.references import Reference, References
from xlm.store.store import Artifact, ArtifactStore

log = logging.getLogger(__name__)

_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Built:
    """What became of one node; `seconds` is the stage's own time, without waits."""

    node: Node
    status: Status
    artifact: Artifact
    seconds: float


@dataclass
class PipelineRun:
    """The state that the nodes of a run share."""

    request: RunRequest
    graph: Graph
    store: ArtifactStore
    settings: Settings
    observer: Observer
    executor: WorkerPool
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
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
        self._interrupted = threading.Event()
        # Stages that compute share the cores; downloads wait for hosts and are limited there.
        self._slots = threading.BoundedSemaphore(self.settings.workers)

    def build(self, node: Node) -> Built:
        """Serve or build one node whose inputs are there.

        Raises:
            MissingUpstreamError: an input outside of the selection has not been built.
            XlmError: whatever the stage found wrong.
        """
        stage = stage_named(node.stage)
        try:
            self._require_uninterrupted()
            ingredients, upstream = self._ingredients(node, stage)
            built = self._serve_or_build(node, stage, ingredients, upstream)
        except Exception as error:
            self.failures[node] = self._told(error)
            if saved := isinstance(error, RequeueError):
                self.asked_to_stop.add(node)
            told = self.failures[node]
            self.observer.finished(Finished(node, "failed", detail=told, saved=saved))
            raise
        self._remember(built, ingredients)
        return built

    def _told(self, error: Exception) -> str:
        if self._interrupted.is_set():
            return "interrupted"
        if isinstance(error, OSError) and error.errno in _FULL:
            return f"the disk of {self.store.root} is full; free some space and run again"
        if isinstance(error, PermissionError) or getattr(error, "errno", None) == errno.EROFS:
            return f"{error}; let this user write there (chown, chmod, mount) and run again"
        return " ".join(str(error).split()) or type(error).__name__

    def _serve_or_build(
        self,
        node: Node,
        stage: Stage[Any],
        ingredients: dict[str, Any],
        upstream: dict[str, Artifact],
    ) -> Built:
        key = artifact_key(ingredients)
        refresh = self.request.refreshes(node)
        if not refresh and (artifact := self._hit(node, stage, key)) is not None:
            return Built(node, "cached", artifact, 0.0)
        with self.store.lock(stage.name, key, self._require_uninterrupted) as waited:
            # Another builder may have finished since the first look, waited for or not.
            if not refresh and (artifact := self._hit(node, stage, key)) is not None:
                return Built(node, "waited" if waited else "cached", artifact, 0.0)
            artifact, seconds = self._build(node, stage, key, ingredients, upstream)
            return Built(node, "built", artifact, seconds)

    def interrupt(self) -> None:
        """End what is being built, without waiting for it; a rerun goes on from there.

        Programs are asked to end, stages are stopped at their next report of progress, waits for
        other builders are given up.
        """
        self._interrupted.set()
        self._programs.end()

    def _require_uninterrupted(self) -> None:
        if self._interrupted.is_set():
            raise PipelineError("interrupted", fix="the same run goes on where this one stopped")

    def locate(self, node: Node) -> Artifact:
        """The artifact of a node that this run does not build.

        Raises:
            MissingUpstreamError: it is not there; the message says how to build it.
        """
        if node in self._artifacts:
            return self._artifacts[node]
        stage = stage_named(node.stage)
        try:
            ingredients, _ = self._ingredients(node, stage)
            artifact = self._hit(node, stage, artifact_key(ingredients))
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
        self, node: Node, stage: Stage[Any]
    ) -> tuple[dict[str, Any], dict[str, Artifact]]:
        upstream = {role: self.locate(needed) for role, needed in self.graph.upstream[node].items()}
        ingredients = ingredients_of(
            stage=stage.name,
            unit=node.unit,
            code_version=stage.version,
            config=stage.slice(self.graph.config, node.unit).key_fields(),
            upstream_digests={role: one.manifest.digest for role, one in upstream.items()},
            tools={name: tool_version(name) for name in stage.tools},
        )
        return ingredients, upstream

    def _hit(self, node: Node, stage: Stage[Any], key: str) -> Artifact | None:
        artifact = self.store.find(stage.name, key, self.request.verify)
        if artifact is None or stage.stale is None:
            return artifact
        manifest = artifact.manifest.model_dump(mode="json")
        reason = stage.stale(stage.slice(self.graph.config, node.unit), manifest)
        if reason is not None:
            log.warning("%s is rebuilt: %s", node, reason)
            return None
        return artifact

    def _build(
        self,
        node: Node,
        stage: Stage[Any],
        key: str,
        ingredients: dict[str, Any],
        upstream: dict[str, Artifact],
    ) -> tuple[Artifact, float]:
        staging = self.store.stage(stage.name, key)
        forget_unfinished(staging.scratch / "records", staging.out)
        usage = Usage()
        work: Work[Any] = Work(
            unit=node.unit,
            config=stage.slice(self.graph.config, node.unit),
            inputs={role: artifact.directory for role, artifact in upstream.items()},
            out=staging.out,
            scratch=staging.scratch,
            logs=staging.logs,
            mapper=ExecutorMapper(self.executor, self.settings.workers, usage),
            workers=self.settings.workers,
            progress=NodeProgress(self.observer, node, self._require_uninterrupted),
            cache=self.store.cache_directory("tools"),
            pins=self.store.root / "pins",
        )
        if stage.network:
            outcome, seconds = self._run_stage(node, stage, work, usage)
        else:
            with self._slots:
                outcome, seconds = self._run_stage(node, stage, work, usage)
        description = {
            "stage": stage.name,
            "unit": node.unit,
            "key": key,
            "code_version": stage.version,
            "config": ingredients["config"],
            "tools": ingredients["tools"],
            "upstream": {role: _record(artifact) for role, artifact in upstream.items()},
            "counts": dict(outcome.counts),
            "sources": [_source(source) for source in outcome.sources],
            "resolved_config": self.graph.config.model_dump(mode="json"),
        }
        measured = self._measured(outcome, seconds, usage)
        return self.store.publish(staging, description, measured, stage.volatile), seconds

    def _run_stage(
        self, node: Node, stage: Stage[Any], work: Work[Any], usage: Usage
    ) -> tuple[Outcome, float]:
        """Run the stage in this thread, whose CPU time counts as the workers' does."""
        began, began_cpu = time.monotonic(), time.thread_time()
        self._require_uninterrupted()
        self.observer.started(node)
        with self._programs.collecting():
            outcome = stage.run(work)
        usage.add(time.thread_time() - began_cpu, 0)
        return outcome, time.monotonic() - began

    def _measured(self, outcome: Outcome, seconds: float, usage: Usage) -> dict[str, Any]:
        """What `run.json` says of the building of an artifact.

        `cpu_seconds` is the sum over the workers, the programs and the driver's thread,
        `peak_memory_bytes` the peak of the largest process among workers and programs. A stage
        that had neither, a download say, worked in the driver, which many stages share: for it
        the driver's resident memory at the stage's end is recorded.
        """
        measured = dict(outcome.measured)
        peak = max(int(measured.get("peak_memory_bytes", 0)), usage.peak_memory_bytes)
        cpu = float(measured.get("cpu_seconds", 0.0)) + usage.cpu_seconds
        return (
            measured
            | machine_record()
            | {
                "wall_seconds": round(seconds, 3),
                "cpu_seconds": round(cpu, 3),
                "peak_memory_bytes": peak or resident_memory_bytes(),
                "finished": datetime.now(UTC).isoformat(),
            }
        )

    def _remember(self, built: Built, ingredients: dict[str, Any]) -> None:
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


@contextmanager
def open_run(request: RunRequest, settings: Settings, observer: Observer) -> Iterator[PipelineRun]:
    """A run of the request, with its process pool; the resolved configuration is checked first.

    Whoever is interrupted inside (Ctrl-C, SIGTERM, SIGUSR1) leaves with nothing left running.
    """
    graph = Graph.of(request.resolve())
    store = ArtifactStore.open(settings.root)
    with worker_pool(settings.workers, store.cache_directory("tools")) as executor:
        run = PipelineRun(request, graph, store, settings, observer, executor)
        with on_interrupt(run.interrupt):
            yield run


def _record(artifact: Artifact) -> UpstreamRecord:
    manifest = artifact.manifest
    return UpstreamRecord(
        stage=manifest.stage, unit=manifest.unit, key=manifest.key, digest=manifest.digest
    )


def _source(source: Source) -> dict[str, Any]:
    return {
        "name": source.name,
        "address": source.address,
        "licence": source.licence,
        "size_bytes": source.size_bytes,
        "sha256": source.sha256,
        **({"redirected_to": source.redirected_to} if source.redirected_to else {}),
    }
