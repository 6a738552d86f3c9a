"""Builds one node: runs its stage in a staging directory and publishes the artifact."""

import time
from dataclasses import dataclass
from typing import Any

from xlm.engine.building.built import Amounts, description_of, measured_of
from xlm.engine.building.core_slots import CoreSlots
from xlm.engine.building.inputs import CheckCost, InputChecks
from xlm.engine.building.machine import machine_record
from xlm.engine.building.mapper import ExecutorMapper, Usage
from xlm.engine.building.takeover import take_over
from xlm.engine.config import Config
from xlm.engine.events import NodeProgress, Observer
from xlm.engine.interruption import Interruption
from xlm.engine.stage import Node, Stage, StageContext, StageResult
from xlm.errors import StoreError
from xlm.processes.pool.item_executor import ItemExecutor
from xlm.store.artifact import Artifact, Staging
from xlm.store.file_jobs import remove_unfinished
from xlm.store.publication import publish_artifact
from xlm.store.store import ArtifactStore
from xlm.store.underway import note_build


@dataclass(frozen=True)
class BuildOrder:
    """A node to build: its key, the key's ingredients and its verified inputs."""

    node: Node
    stage: Stage[Any, Any]
    key: str
    ingredients: dict[str, Any]
    upstream: dict[str, Artifact]
    checked: CheckCost
    """The cost of verifying the inputs."""
    discard_files: bool
    """Whether to discard the files of an earlier attempt, which may come from damaged inputs."""
    accept_other_bytes: bool = False
    """Whether to replace a pruned artifact that had another digest."""


class Builder:
    """Builds the nodes of one run. Many threads may build at the same time."""

    def __init__(
        self,
        config: Config,
        store: ArtifactStore,
        executor: ItemExecutor,
        workers: int,
        observer: Observer,
        checks: InputChecks,
        interruption: Interruption,
    ) -> None:
        self._config = config
        self._store = store
        self._executor = executor
        self._workers = workers
        self._observer = observer
        self._checks = checks
        self._interruption = interruption
        # Stages that compute share the cores. Downloads mostly wait; the fetcher limits them.
        self._slots = CoreSlots(max(workers, executor.workers))

    def build(self, order: BuildOrder) -> tuple[Artifact, float]:
        """Build the node and return its artifact and the seconds that its stage took.

        The caller holds the lock of the key.

        Raises:
            StoreError: an input was damaged in the meantime.
            XlmError: the stage failed.
        """
        node, stage, key = order.node, order.stage, order.key
        config = stage.slice(self._config, node.unit)
        if not order.discard_files:
            take_over(
                self._store, stage, key, order.ingredients, config,
                lambda line: self._observer.noticed(node, line),
            )  # fmt: skip
        settings = stage.settings(self._config) if stage.settings is not None else None
        staging = Staging(self._store.root / "staging" / stage.name / key)
        if order.discard_files and stage.abandon is not None and staging.hold.exists():
            stage.abandon(settings, staging.scratch)
        staging = self._store.open_staging(stage.name, key, fresh=order.discard_files)
        note_build(staging, order.ingredients, str(machine_record()["host"]))
        if not staging.hold.exists():
            remove_unfinished(staging.records, staging.out)
        usage = Usage()
        writers = self._store.writers_lock(stage.name, key)
        context: StageContext[Any] = StageContext(
            unit=node.unit,
            config=config,
            inputs={role: one.directory for role, one in order.upstream.items()},
            out=staging.out,
            scratch=staging.scratch,
            logs=staging.logs,
            mapper=ExecutorMapper(self._executor, usage, writers),
            workers=self._workers,
            progress=NodeProgress(self._observer, node, self._interruption.check),
            cache=self._store.cache_directory("tools"),
            pins=self._store.root / "pins",
            key=key,
            settings=settings,
        )
        self._require_intact_inputs(order)
        with self._slots.taken(0 if stage.network else stage.cores(self._config)):
            result, seconds = self._run_stage(node, stage, context, usage)
        self._require_intact_inputs(order)
        description = description_of(key, order.ingredients, order.upstream, result, self._config)
        amounts = Amounts(
            input_bytes=sum(
                artifact.manifest.size_bytes
                for role, artifact in order.upstream.items()
                if not stage.reads_manifest_only(role)
            ),
            workers=self._executor.workers,
        )
        measured = measured_of(result, seconds, usage, order.checked, amounts)
        artifact = publish_artifact(
            self._store, staging, description, measured, stage.volatile, result.hashed,
            accept_other_bytes=order.accept_other_bytes,
        )  # fmt: skip
        self._checks.wrote(artifact)
        for warning in result.warnings:
            self._observer.noticed(node, f"warning: {warning}")
        return artifact, seconds

    def _require_intact_inputs(self, order: BuildOrder) -> None:
        """Refuse inputs that changed since they were hashed. Unchanged files are not read again."""
        for role, artifact in order.upstream.items():
            if order.stage.reads_manifest_only(role):
                continue
            reason, _ = self._checks.damage(artifact)
            if reason is not None:
                raise StoreError(
                    f"{role}, an input of {order.node}, was damaged during the build ({reason})",
                    fix="run the same command again to rebuild it first",
                )

    def _run_stage(
        self, node: Node, stage: Stage[Any, Any], context: StageContext[Any], usage: Usage
    ) -> tuple[StageResult, float]:
        """Run the stage in this thread and add its CPU time to that of the workers."""
        began, began_cpu = time.monotonic(), time.thread_time()
        self._interruption.check()
        self._observer.started(node)
        with self._interruption.programs.collecting():
            result = stage.run(context)
        usage.add(time.thread_time() - began_cpu, 0)
        return result, time.monotonic() - began
