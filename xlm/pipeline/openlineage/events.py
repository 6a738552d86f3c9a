"""The OpenLineage events of one run: one job for the run, and one for each of its nodes.

The job of a node is `<profile>.<stage>[<unit>]`, its parent run is the run. A node that is tried
again has another run.
"""

import threading
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
from xlm.pipeline.run_record import state_of
from xlm.redaction import redact
from xlm.store.manifest import Manifest

_TAKEN: tuple[Status, ...] = ("cached", "pruned", "pulled", "waited")
"""Ends of a node of which this run did not run the stage."""
_ENDS = {"finished": RunState.COMPLETE, "stopped": RunState.ABORT, "failed": RunState.FAIL}


class RunEvents:
    """Makes the events of a run. Methods are called from many threads."""

    def __init__(self, run: PipelineRun, namespace: str) -> None:
        set_producer(PRODUCER)
        self._run, self._namespace = run, namespace
        self._profile = Path(run.request.profile).stem
        self._id = str(generate_new_uuid())
        self._ids: dict[Node, str] = {}
        self._lock = threading.Lock()

    def run_started(self) -> RunEvent:
        """The whole run starts."""
        return self._of_run(RunState.START)

    def run_ended(self) -> RunEvent:
        """The whole run has ended."""
        failures = [f"{node}: {reason}" for node, reason in list(self._run.failures.items())]
        facets: dict[str, RunFacet] = {}
        if failures:
            facets["errorMessage"] = _error("; ".join(failures))
        return self._of_run(_ENDS[state_of(self._run)], facets)

    def node_started(self, node: Node) -> RunEvent:
        """The stage of a node starts to run."""
        with self._lock:
            self._ids[node] = str(generate_new_uuid())
        needed = self._run.graph.upstream[node].values()
        inputs = [self._run.locate(one).manifest for one in needed]
        return self._of_node(node, RunState.START, inputs=[self._input(one) for one in inputs])

    def node_finished(self, event: Finished) -> RunEvent | None:
        """A node has ended; None if it was not tried."""
        node = event.node
        if event.status == "blocked":
            return None
        if event.status == "failed":
            stopped = event.saved or bool(self._run.interruption)
            facets: dict[str, RunFacet] = {"errorMessage": _error(event.detail)}
            state = RunState.ABORT if stopped else RunState.FAIL
            return self._of_node(node, state, _node_facet(node, event.status) | facets)
        artifact = self._run.results[node].artifact
        manifest = artifact.manifest
        store = self._run.store
        inputs = [
            input_artifact(record, store.directory(record.stage, record.key))
            for record in manifest.upstream.values()
        ]
        inputs += [input_source(source, node.unit) for source in manifest.sources]
        return self._of_node(
            node,
            RunState.COMPLETE,
            _node_facet(node, event.status, manifest),
            inputs,
            [output_artifact(manifest, artifact.directory)],
        )

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
        state: RunState,
        facets: dict[str, RunFacet] | None = None,
        inputs: Sequence[InputDataset] = (),
        outputs: Sequence[OutputDataset] = (),
    ) -> RunEvent:
        with self._lock:
            run_id = self._ids.setdefault(node, str(generate_new_uuid()))
            if state is not RunState.START:
                del self._ids[node]
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
