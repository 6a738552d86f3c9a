"""Submits the stages of a flow: each node after its inputs; a failure does not stop the others."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from prefect import get_run_logger
from prefect.context import TagsContext
from prefect.futures import PrefectFuture
from prefect.task_runners import ThreadPoolTaskRunner

from flows.cancelled_jobs import cancels_its_jobs
from flows.ui.worker_watch import ends_with_its_worker
from tasks.artifacts import accuracy_line, publish_report, publish_stage_card, publish_tables
from tasks.context import current_run_is
from tasks.documents import DocumentArtifacts
from tasks.notices import NoticeLog, warnings_in_log
from tasks.progress import ProgressArtifacts
from tasks.reach import ServerReach
from tasks.run_page import RunPage
from tasks.stage_task import StageTask, stage_task
from xlm.config.environment import MachineSettings
from xlm.config.pipeline import PipelineConfig
from xlm.config.reading.warnings import config_warnings
from xlm.display.markdown import format_duration, format_size
from xlm.engine.events import Finished, Observer, Observers
from xlm.engine.stage import Node, Stage
from xlm.errors import PipelineError, RequeueError
from xlm.pipeline.costs.space import require_disk_space
from xlm.pipeline.dag import PipelineRun, open_request
from xlm.pipeline.latest import dated
from xlm.pipeline.openlineage.observer import LineageObserver
from xlm.pipeline.request import RunRequest
from xlm.pipeline.run_record import begin_run_record, write_run_record
from xlm.processes.pool.executor import on_interrupt
from xlm.stages.registry import STAGES

DRIVERS: Any = ThreadPoolTaskRunner(max_workers=64)
"""Threads of nodes. Most of them wait for an input or a slot: slots and the process pool limit the
cores in use, and the downloader limits connections, so that a download never blocks a core."""

extra_observer: ContextVar[Observer | None] = ContextVar("extra_observer", default=None)
"""The view of the run in a terminal, if it has one."""


@dataclass
class Submitter:
    """Submits the nodes of one stage after the other and keeps their futures."""

    run: PipelineRun
    tasks: Mapping[str, StageTask]
    futures: dict[Node, PrefectFuture[Any]] = field(default_factory=dict)
    submitted: dict[str, list[Node]] = field(default_factory=dict)

    def __call__(self, stage: str) -> None:
        """Submit the selected nodes of a stage; each starts when its inputs are done."""
        task = self.tasks[stage]
        nodes = [node for node in self.run.selected if node.stage == stage]
        for node in nodes:
            inputs = [
                self.futures[needed]
                for needed in self.run.graph.upstream[node].values()
                if needed in self.futures
            ]
            self.futures[node] = task.submit(unit=node.unit, wait_for=inputs, return_state=False)
        self.submitted[stage] = nodes

    def summary(self) -> str:
        """One line about the run: nodes built and cached, seconds, accuracies, warnings."""
        counts = Counter(
            "cached" if built.status in ("waited", "pruned") else built.status
            for built in self.run.results.values()
        )
        pulled = f"{counts['pulled']} pulled, " if counts["pulled"] else ""
        parts = [
            f"{counts['built']} built, {pulled}{counts['cached']} cached in {self._seconds():.0f} s"
        ]
        hashed = self.run.checks.total
        if hashed.size_bytes:
            took = f"{format_duration(hashed.seconds)} for {format_size(hashed.size_bytes)}"
            parts.append(f"inputs hashed in {took}")
        warnings = [f"warning: {one}" for one in config_warnings(self.run.graph.config)]
        return "; ".join([*parts, *accuracy_line(self.run), *warnings])

    def _seconds(self) -> float:
        return (datetime.now(UTC) - self.run.started).total_seconds()

    def finish(self) -> None:
        """Wait for all nodes and write a card for each stage.

        Raises:
            RequeueError: training was asked to stop, and nothing else failed.
            PipelineError: names all nodes that failed.
        """
        failures: list[str] = []
        blocked: list[Node] = []
        for nodes in self.submitted.values():
            for node in nodes:
                self.futures[node].wait()
                state = self.futures[node].state
                if state.is_failed() or state.is_crashed() or node in self.run.stopped:
                    reason = self.run.failures.get(node) or state.message or "crashed"
                    failures.append(f"{node}: {reason}")
                elif not state.is_completed():
                    blocked.append(node)
                    self.run.observer.finished(Finished(node, "blocked"))
            built = [self.run.results[node] for node in nodes if node in self.run.results]
            if built:
                publish_stage_card(
                    self.run.graph.stage(nodes[0]), built, self.run.request, self.run.store.root
                )
        self.run.pushes.finish()
        if failures:
            count = "1 node that needs" if len(blocked) == 1 else f"{len(blocked)} nodes that need"
            skipped = f"; {count} them did not run" if blocked else ""
            what = "; ".join(failures) + skipped
            if len(failures) == len(self.run.stopped):
                raise RequeueError(what)
            raise PipelineError(what)


@contextmanager
def pipeline(
    request: RunRequest, stages: Sequence[Stage[PipelineConfig, Any]] = STAGES
) -> Iterator[Submitter]:
    """Open the run, yield the function that submits a stage, and wait for all nodes at the end.

    Args:
        stages: the DAG, in order.

    Raises:
        RequeueError: training was asked to stop, and nothing failed.
        PipelineError: names every node that failed, after all others have finished.
    """
    settings = MachineSettings.from_environment()
    with warnings_in_log():  # It says which date `latest` stands for.
        request = dated(request, settings.root)
    terminal = extra_observer.get()
    reach = ServerReach()
    artifacts: list[Observer] = [ProgressArtifacts(reach), DocumentArtifacts(reach)]
    with warnings_in_log():
        lineage = LineageObserver.of(request.resolve())
    shown = [*artifacts, RunPage(), NoticeLog(), lineage]
    observers = Observers([*shown, *([terminal] if terminal else [])])
    with (
        # Tasks do not inherit the tags of the run: see tasks/stage_task.py.
        TagsContext(current_tags=set()),
        open_request(request, settings, observers, stages=stages) as run,
        ends_with_its_worker(run.graph.config.pretrain.save_seconds),
        current_run_is(run),
        warnings_in_log(),
    ):
        get_run_logger().info("%d nodes in %s", len(run.selected), run.store.root)
        for warning in config_warnings(run.graph.config):
            get_run_logger().warning(warning)
        run.locate_unselected()
        observers.expected(require_disk_space(run))
        record = begin_run_record(run)
        submitter = Submitter(run, {stage.name: stage_task(stage) for stage in stages})
        # Its end waits for the endpoint, when the record is written.
        with lineage.reporting(run, record):
            try:
                # Before the record is written, so that it says that the run was stopped.
                with on_interrupt(run.interruption.interrupt), cancels_its_jobs():
                    yield submitter
                    submitter.finish()
            finally:
                write_run_record(run, record)
                publish_report(run, record)
            publish_tables(run)
