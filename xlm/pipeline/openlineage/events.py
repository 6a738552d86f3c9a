"""The OpenLineage events of one run: one job for the run, and one for each of its nodes.

The job of a node is `<profile>.<stage>[<unit>]`, its parent run is the run. Each run, also that of
a node, has one START and then one event of its end. A node that is tried again has another run.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    JobFacet,
    RunFacet,
    documentation_job,
    error_message_run,
    job_type_job,
    parent_run,
    processing_engine_run,
    set_producer,
)
from openlineage.client.uuid import generate_new_uuid

from xlm.engine.events import Finished, Status
from xlm.engine.stage import Node
from xlm.pipeline.dag import PipelineRun
from xlm.pipeline.openlineage.facets import (
    PRODUCER,
    VERSION,
    NodeFacet,
    input_artifact,
    input_source,
    output_artifact,
)
from xlm.pipeline.recorded_sources import sources_of
from xlm.pipeline.run_record import state_of
from xlm.redaction import redact
from xlm.store.manifest import Manifest

_TAKEN: tuple[Status, ...] = ("cached", "pruned", "pulled", "waited")
"""Ends of a node of which this run did not run the stage."""
_ENDS = {"finished": RunState.COMPLETE, "stopped": RunState.ABORT, "failed": RunState.FAIL}


class RunEvents:
    """Makes the events of a run. Its methods are called one at a time."""

    def __init__(self, run: PipelineRun, namespace: str) -> None:
        set_producer(PRODUCER)
        self._run, self._namespace = run, namespace
        self._profile = Path(run.request.profile).stem
        self._id = str(generate_new_uuid())
        self._selected = frozenset(run.selected)
        self._open: dict[Node, str] = {}
        """The runs of nodes that have started and not ended."""
        self._has_ended = False

    def run_started(self) -> list[RunEvent]:
        """The whole run starts."""
        return [self._of_run(RunState.START)]

    def run_ended(self) -> list[RunEvent]:
        """The whole run has ended, and with it what has not ended by itself."""
        state = _ENDS[state_of(self._run)]
        left = RunState.ABORT if state is RunState.ABORT else RunState.FAIL
        facets: dict[str, RunFacet] = {"errorMessage": _error("the run ended before this node")}
        events = [
            self._ended(node, left, _node_facet(node, "failed") | facets)
            for node in list(self._open)
        ]
        self._has_ended = True
        failures = [f"{node}: {reason}" for node, reason in list(self._run.failures.items())]
        of_run: dict[str, RunFacet] = {}
        if failures:
            of_run["errorMessage"] = _error("; ".join(failures))
        return [*events, self._of_run(state, of_run)]

    def node_started(self, node: Node) -> list[RunEvent]:
        """The stage of a node starts to run, or its artifact is pulled."""
        # A pull that fails is followed by a build. Inputs outside of the selection have no end.
        if node in self._open or not self._is_reported(node):
            return []
        needed = self._run.graph.upstream[node].values()
        inputs = [self._input(self._run.locate(one).manifest) for one in needed]
        return [self._started(node, inputs)]

    def node_finished(self, event: Finished) -> list[RunEvent]:
        """A node has ended; nothing if it was not tried."""
        node, is_failure = event.node, event.status == "failed"
        if event.status == "blocked" or not self._is_reported(node):
            return []
        stopped = is_failure and (event.saved or bool(self._run.interruption))
        if stopped and node not in self._open:
            return []
        if is_failure:
            facets: dict[str, RunFacet] = {"errorMessage": _error(event.detail)}
            state = RunState.ABORT if stopped else RunState.FAIL
            facets |= _node_facet(node, event.status)
            return [*self._start_of(node), self._ended(node, state, facets)]
        artifact = self._run.results[node].artifact
        manifest = artifact.manifest
        store = self._run.store
        inputs = [
            input_artifact(record, store.directory(record.stage, record.key))
            for record in manifest.upstream.values()
        ]
        inputs += [input_source(source) for source in sources_of(manifest)]
        outputs = [output_artifact(manifest, artifact.directory)]
        facets = _node_facet(node, event.status, manifest)
        return [
            *self._start_of(node),
            self._ended(node, RunState.COMPLETE, facets, inputs, outputs),
        ]

    def _start_of(self, node: Node) -> list[RunEvent]:
        """The start of a node that was found in a store, or that failed before its stage ran."""
        return [] if node in self._open else [self._started(node)]

    def _is_reported(self, node: Node) -> bool:
        return node in self._selected and not self._has_ended

    def _started(self, node: Node, inputs: Sequence[InputDataset] = ()) -> RunEvent:
        run_id = str(generate_new_uuid())
        event = self._of_node(node, run_id, RunState.START, inputs=inputs)
        self._open[node] = run_id
        return event

    def _ended(
        self,
        node: Node,
        state: RunState,
        facets: dict[str, RunFacet],
        inputs: Sequence[InputDataset] = (),
        outputs: Sequence[OutputDataset] = (),
    ) -> RunEvent:
        event = self._of_node(node, self._open[node], state, facets, inputs, outputs)
        del self._open[node]
        return event

    def _input(self, manifest: Manifest) -> InputDataset:
        directory = self._run.store.directory(manifest.stage, manifest.key)
        output = output_artifact(manifest, directory)
        return InputDataset(output.namespace, output.name, facets=output.facets)

    def _of_run(self, state: RunState, facets: dict[str, RunFacet] | None = None) -> RunEvent:
        engine = processing_engine_run.ProcessingEngineRunFacet(VERSION, name="xlm-pipeline")
        return RunEvent(
            eventType=state,
            eventTime=_now(),
            run=Run(self._id, facets={"processing_engine": engine, **(facets or {})}),
            job=Job(self._namespace, self._profile, facets=_job_facets("DAG")),
            producer=PRODUCER,
        )

    def _of_node(
        self,
        node: Node,
        run_id: str,
        state: RunState,
        facets: dict[str, RunFacet] | None = None,
        inputs: Sequence[InputDataset] = (),
        outputs: Sequence[OutputDataset] = (),
    ) -> RunEvent:
        parent = parent_run.ParentRunFacet(
            run=parent_run.Run(self._id), job=parent_run.Job(self._namespace, self._profile)
        )
        described = documentation_job.DocumentationJobFacet(self._run.graph.stage(node).summary)
        return RunEvent(
            eventType=state,
            eventTime=_now(),
            run=Run(run_id, facets={"parent": parent, **(facets or {})}),
            job=Job(
                self._namespace,
                f"{self._profile}.{node}",
                facets={**_job_facets("TASK"), "documentation": described},
            ),
            inputs=list(inputs),
            outputs=list(outputs),
            producer=PRODUCER,
        )


def _job_facets(kind: str) -> dict[str, JobFacet]:
    return {
        "jobType": job_type_job.JobTypeJobFacet(
            processingType="BATCH", integration="XLM_PIPELINE", jobType=kind
        )
    }


def _node_facet(
    node: Node, status: Status, manifest: Manifest | None = None
) -> dict[str, RunFacet]:
    key = manifest.key if manifest else None
    facet = NodeFacet(
        stage=node.stage, unit=node.unit, status=status, cached=status in _TAKEN, key=key
    )
    return {"xlm_node": facet}


def _error(message: str) -> error_message_run.ErrorMessageRunFacet:
    return error_message_run.ErrorMessageRunFacet(redact(message), programmingLanguage="Python")


def _now() -> str:
    return datetime.now(UTC).isoformat()
