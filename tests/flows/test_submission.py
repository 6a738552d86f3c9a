"""The flow with the toy DAG, on a real Prefect server."""

import json
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.engine.toy import ReadSlice
from tests.pipeline.openlineage.endpoint import Endpoint, Event
from tests.pipeline.toy import PIPELINE_JOIN, PIPELINE_LAST, PIPELINE_READ, PROFILE
from xlm.engine.stage import Stage, StageContext, StageResult
from xlm.errors import DataError, MissingUpstreamError, PipelineError, StoreError
from xlm.pipeline.request import RunRequest
from xlm.pipeline.run_record import read_record, record_paths

pytestmark = pytest.mark.usefixtures("prefect_server")

RunToy = Callable[..., dict[str, str]]


@pytest.fixture
def run_toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunToy:
    """Runs the toy DAG as a flow and returns each task run's name and state, from the server."""
    monkeypatch.setenv("XLM_ROOT", str(tmp_path / "data"))
    monkeypatch.setenv("XLM_WORKERS", "1")

    def run(
        *stages: Stage[Any, Any], flow_error: type[Exception] | None = None, **fields: Any
    ) -> Any:
        from prefect import flow
        from prefect.client.orchestration import get_client
        from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
        from prefect.runtime import flow_run

        from flows.submission import pipeline

        seen: list[str] = []
        request = RunRequest(profile=str(PROFILE), **fields)

        @flow(name="toy")
        def toy_flow() -> None:
            seen.append(flow_run.id)
            with pipeline(request, stages) as build:
                for stage in stages:
                    build(stage.name)

        if flow_error:
            with pytest.raises(flow_error) as caught:
                toy_flow()
            seen.append(str(caught.value))
        else:
            toy_flow()
        chosen = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(seen[0])]))
        with get_client(sync_client=True) as client:
            runs = client.read_task_runs(flow_run_filter=chosen)
        states = {one.name: str(one.state_name) for one in runs}
        return (states, seen[1]) if flow_error else states

    return run


def test_the_first_run_builds_and_the_second_is_cached(run_toy: RunToy) -> None:
    assert run_toy(PIPELINE_READ, PIPELINE_JOIN, PIPELINE_LAST) == dict.fromkeys(
        ["read[en]", "read[sw]", "join", "last"], "Completed"
    )
    assert Counter(run_toy(PIPELINE_READ, PIPELINE_JOIN, PIPELINE_LAST).values()) == {"Cached": 4}


def test_one_language_fails_and_the_others_finish(run_toy: RunToy) -> None:
    def fail_in_swahili(context: StageContext[ReadSlice]) -> StageResult:
        if context.unit == "sw":
            raise DataError("sw: no article in the dump", fix="check its date")
        return PIPELINE_READ.run(context)

    broken = replace(PIPELINE_READ, run=fail_in_swahili)
    states, message = run_toy(broken, PIPELINE_JOIN, PIPELINE_LAST, flow_error=PipelineError)
    assert states["read[en]"] == "Completed"
    assert states["read[sw]"] == "Failed"
    assert message == (
        "read[sw]: sw: no article in the dump; check its date; 2 nodes that need them did not run"
    )
    states = run_toy(PIPELINE_READ, PIPELINE_JOIN, PIPELINE_LAST)
    assert states["read[en]"] == "Cached"
    assert states["read[sw]"] == states["join"] == "Completed"


def test_only_with_a_missing_input_fails_before_anything_starts(run_toy: RunToy) -> None:
    states, message = run_toy(
        PIPELINE_READ, PIPELINE_JOIN, PIPELINE_LAST, flow_error=MissingUpstreamError, only=("last",)
    )
    assert states == {}
    assert "--until join" in message


def test_every_stage_leaves_a_card(run_toy: RunToy) -> None:
    run_toy(PIPELINE_READ, PIPELINE_JOIN, PIPELINE_LAST)
    from prefect.artifacts import Artifact

    card = Artifact.get("read")
    assert card is not None
    text = str(card.data)
    assert text.startswith("## read")
    assert "| sw | built |" in text
    assert "### Build again\n\n```sh\nxlm run --profile" in text


def test_every_run_leaves_a_report(run_toy: RunToy, tmp_path: Path) -> None:
    """Also one that failed; and a report that cannot be written does not fail a run."""

    def fail(context: StageContext[ReadSlice]) -> StageResult:
        raise DataError("no article in <the> dump", fix="check its date")

    broken = replace(PIPELINE_READ, run=fail)
    run_toy(broken, PIPELINE_JOIN, PIPELINE_LAST, flow_error=PipelineError)
    runs = tmp_path / "data" / "runs"
    (failed,) = runs.glob("000001-*.html")
    assert "read[sw] failed: no article in &lt;the&gt; dump; check its" in failed.read_text()
    run_toy(PIPELINE_READ, PIPELINE_JOIN, PIPELINE_LAST)
    (written,) = runs.glob("000002-*.html")
    from prefect.artifacts import Artifact

    card = Artifact.get("report")
    assert card is not None
    assert card.data == f"[Open the report](reports/{written.name})"
    assert f"`{written}`" in str(card.description)


def test_a_run_without_a_report_is_complete(
    run_toy: RunToy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr("tasks.artifacts.write_report", fail)
    assert set(run_toy(PIPELINE_READ).values()) == {"Completed"}
    assert [path.suffix for path in (tmp_path / "data" / "runs").iterdir()] == [".json"]


def test_warnings_of_stages_are_in_the_log_of_their_task_run(run_toy: RunToy) -> None:
    """Bad lines of a text, unknown tokens, a damaged artifact: only the terminal showed them."""

    def warn(context: StageContext[ReadSlice]) -> StageResult:
        logging.getLogger("xlm.corpus.parallel.extract").warning(
            "text of %s: 2 bad lines", context.unit
        )
        return PIPELINE_READ.run(context)

    run_toy(replace(PIPELINE_READ, run=warn), PIPELINE_JOIN, PIPELINE_LAST)
    from prefect.client.orchestration import get_client
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=30)
    with get_client(sync_client=True) as client:
        lines = {line.message for line in client.read_logs(limit=200)}
    assert {"text of en: 2 bad lines", "text of sw: 2 bad lines"} <= lines


def test_a_run_that_the_disk_cannot_hold_does_not_start(
    run_toy: RunToy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xlm.pipeline.costs.space.free_space", lambda root: -1)
    states, error = run_toy(PIPELINE_READ, flow_error=StoreError)  # type: ignore[misc]
    assert states == {}
    assert error.startswith("the run needs about 0 B on the disk of ")
    assert not (tmp_path / "data" / "artifacts").exists()
    assert set(run_toy(PIPELINE_READ, force=True).values()) == {"Completed"}
    # Nothing is written now, so the disk does not matter.
    assert set(run_toy(PIPELINE_READ).values()) == {"Cached"}


def test_a_flow_reports_its_nodes_to_openlineage(run_toy: RunToy, tmp_path: Path) -> None:
    stages = (PIPELINE_READ, PIPELINE_JOIN, PIPELINE_LAST)
    run_toy(*stages, overrides=("lineage.openlineage=file",))
    (path,) = (tmp_path / "data" / "runs").glob("*.openlineage.jsonl")
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert Counter(one["eventType"] for one in events) == {"START": 5, "COMPLETE": 5}
    assert events[-1]["job"]["name"] == PROFILE.stem


def test_the_record_does_not_wait_for_an_endpoint(
    run_toy: RunToy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of the run is reported, and waited for, when the record is written."""
    states: list[str] = []

    def keep(event: Event) -> None:
        if event["job"]["name"] == PROFILE.stem and event["eventType"] == "COMPLETE":
            (record,) = record_paths(tmp_path / "data")
            states.append(read_record(record)["state"])

    with Endpoint(on_event=keep) as endpoint:
        monkeypatch.setenv("OPENLINEAGE_URL", endpoint.url)
        run_toy(PIPELINE_READ, PIPELINE_JOIN, PIPELINE_LAST)
    assert states == ["finished"]
