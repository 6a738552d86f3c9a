"""The events of a run: valid by the schema of OpenLineage, complete, and without secrets."""

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.toy import ReadSlice
from tests.pipeline.openlineage.conftest import ReportingToy
from tests.pipeline.openlineage.endpoint import Event
from tests.pipeline.openlineage.schemas import require_valid
from tests.pipeline.toy import PIPELINE_JOIN, PIPELINE_LAST, PIPELINE_READ
from xlm.engine.stage import Node, Source, StageContext, StageResult
from xlm.errors import ConfigError, DataError, MissingUpstreamError, PipelineError
from xlm.pipeline.dag import PipelineRun
from xlm.pipeline.run_record import delete_record, events_path, read_record
from xlm.report.lineage.read import read_lineage

FILE = "lineage.openlineage=file"
NODES = ["read[en]", "read[sw]", "join", "last"]


def shape(events: list[Event]) -> list[tuple[str, str]]:
    """Type and job of each event."""
    return [(one["eventType"], one["job"]["name"].removeprefix("toy.")) for one in events]


def from_server(context: StageContext[ReadSlice]) -> StageResult:
    """Stage `read`, as if it had downloaded its text."""
    source = Source(
        url=f"https://me:hunter2@example.org/{context.unit}.txt?token=hunter2&page=1",
        licence="CC0-1.0", name="Texts", size_bytes=8, sha256="a" * 64,
    )  # fmt: skip
    return replace(PIPELINE_READ.run(context), sources=(source,))


DOWNLOADING = (replace(PIPELINE_READ, run=from_server), PIPELINE_JOIN, PIPELINE_LAST)


def test_a_run_and_each_of_its_nodes_start_and_complete(toy: ReportingToy) -> None:
    toy.run(FILE, stages=DOWNLOADING)
    events = toy.events()
    for event in events:
        require_valid(event)
    assert shape(events) == [
        ("START", "toy"),
        *((kind, node) for node in NODES for kind in ("START", "COMPLETE")),
        ("COMPLETE", "toy"),
    ]
    run = events[0]["run"]["runId"]
    assert events[-1]["run"]["runId"] == run
    for started, ended in zip(events[1:-1:2], events[2:-1:2], strict=True):
        assert started["run"]["runId"] == ended["run"]["runId"] != run
        for event in (started, ended):
            parent = event["run"]["facets"]["parent"]
            assert (parent["run"]["runId"], parent["job"]["name"]) == (run, "toy")
        assert not ended["run"]["facets"]["xlm_node"]["cached"]


def test_datasets_are_artifacts_and_sources(toy: ReportingToy) -> None:
    toy.run(FILE, stages=DOWNLOADING)
    ended = {name: one for one in toy.events() for kind, name in shape([one]) if kind != "START"}
    (read,) = ended["read[en]"]["outputs"]
    facets = read["facets"]
    assert read["namespace"] == "file"
    key = facets["xlm_artifact"]["key"]
    assert read["name"] == str(toy.root / "artifacts" / "read" / key)
    assert facets["version"]["datasetVersion"] == facets["xlm_artifact"]["digest"]
    assert read["outputFacets"]["outputStatistics"]["fileCount"] == 2
    # What one node provides is what the next one reads.
    inputs = [(one["namespace"], one["name"]) for one in ended["join"]["inputs"]]
    assert ("file", read["name"]) in inputs
    (source,) = ended["read[sw]"]["inputs"]
    assert source["namespace"] == "https://***@example.org"
    assert source["name"] == "/sw.txt?token=***&page=1"
    assert source["facets"]["xlm_source"]["sha256"] == "a" * 64
    assert "hunter2" not in events_path(toy.records[-1]).read_text()


def test_cached_nodes_say_so(toy: ReportingToy) -> None:
    toy.run()
    assert not events_path(toy.records[-1]).exists()
    toy.run(FILE)
    events = toy.events()
    for event in events:
        require_valid(event)
    assert shape(events)[1:-1] == [(kind, node) for node in NODES for kind in ("START", "COMPLETE")]
    facets = [one["run"]["facets"]["xlm_node"] for one in events[2:-1:2]]
    assert [(one["cached"], one["status"]) for one in facets] == [(True, "cached")] * 4


def test_a_failure_is_reported_without_secrets(toy: ReportingToy) -> None:
    def fail(context: StageContext[ReadSlice]) -> StageResult:
        raise DataError("https://me:hunter2@example.org/x is damaged", fix="check it")

    toy.run(FILE, stages=(replace(PIPELINE_READ, run=fail), PIPELINE_JOIN, PIPELINE_LAST))
    events = toy.events()
    for event in events:
        require_valid(event)
    assert Counter(kind for kind, _ in shape(events)) == {"START": 2, "FAIL": 2}
    for event in events[-2:]:
        message = event["run"]["facets"]["errorMessage"]["message"]
        assert "https://***@example.org/x is damaged" in message


def require_pairs(events: list[Event]) -> None:
    """Each run has one START, and one end after it."""
    by_run: dict[str, list[str]] = {}
    for event in events:
        require_valid(event)
        by_run.setdefault(event["run"]["runId"], []).append(event["eventType"])
    for kinds in by_run.values():
        assert len(kinds) == 2
        assert kinds[0] == "START"
        assert kinds[1] in ("COMPLETE", "FAIL", "ABORT")


def test_files_of_the_user_and_models_are_inputs_as_in_a_lineage(toy: ReportingToy) -> None:
    class Slice(ReadSlice):
        text: str = "1" * 64
        warm_start: str = f"original {'2' * 64}"

    own = replace(
        PIPELINE_READ,
        slice=lambda config, unit: Slice(unit=unit, size=4000),
        run=DOWNLOADING[0].run,
    )
    toy.run(FILE, stages=(own, PIPELINE_JOIN, PIPELINE_LAST))
    (ended,) = [one for one in toy.events() if shape([one]) == [("COMPLETE", "read[sw]")]]
    require_valid(ended)
    facets = [one["facets"]["xlm_source"] for one in ended["inputs"]]
    (output,) = ended["outputs"]
    lineage = read_lineage(Path(output["name"]), str(toy.root))
    assert {(one["kind"], one["sha256"]) for one in facets} == {
        (one.kind, one.sha256) for one in lineage.sources
    }
    assert [(one["kind"], one["sha256"][0]) for one in facets] == [
        ("download", "a"), ("local-file", "1"), ("model", "2"),
    ]  # fmt: skip
    assert ended["inputs"][1]["name"] == "1" * 64


def test_a_run_that_is_interrupted_has_no_end_without_a_start(toy: ReportingToy) -> None:
    runs: list[PipelineRun] = []

    def interrupt(context: StageContext[ReadSlice]) -> StageResult:
        runs[0].interruption.interrupt()
        runs[0].interruption.check()
        return StageResult()

    def build(run: PipelineRun) -> None:
        runs.append(run)
        for node in run.selected:
            with pytest.raises(PipelineError):
                run.build(node)

    stages = (replace(PIPELINE_READ, run=interrupt), PIPELINE_JOIN, PIPELINE_LAST)
    toy.run(FILE, stages=stages, build=build)
    require_pairs(toy.events())
    assert shape(toy.events()) == [
        ("START", "toy"), ("START", "read[en]"), ("ABORT", "read[en]"), ("ABORT", "toy"),
    ]  # fmt: skip


def test_a_failure_before_the_stage_runs_has_a_start(toy: ReportingToy) -> None:
    def build(run: PipelineRun) -> None:
        with pytest.raises(MissingUpstreamError):
            run.build(Node("last", "all"))

    toy.run(FILE, build=build)
    require_pairs(toy.events())
    assert shape(toy.events())[1:3] == [("START", "last"), ("FAIL", "last")]


def test_a_node_that_has_no_end_of_its_own_ends_with_the_run(toy: ReportingToy) -> None:
    """As an input that is rebuilt for another node, which then fails."""
    toy.run(FILE, build=lambda run: run.observer.started(run.selected[0]))
    require_pairs(toy.events())
    assert shape(toy.events())[1:] == [
        ("START", "read[en]"), ("FAIL", "read[en]"), ("FAIL", "toy"),
    ]  # fmt: skip


def test_a_pull_that_fails_and_the_build_after_it_are_one_run(
    toy: ReportingToy, tmp_path: Path
) -> None:
    remote = tmp_path / "remote"
    remote.mkdir()
    store = f"store.remote={remote.as_uri()}"
    toy.run(store)
    (joined,) = remote.rglob("joined.txt")
    joined.write_text("damaged")
    shutil.rmtree(toy.root)
    toy.run(store, FILE)
    events = toy.events()
    require_pairs(events)
    ends = {name: one for one in events for kind, name in shape([one]) if kind != "START"}
    del ends["toy"]
    assert {name: one["run"]["facets"]["xlm_node"]["status"] for name, one in ends.items()} == {
        "read[en]": "pulled", "read[sw]": "pulled", "join": "built", "last": "pulled",
    }  # fmt: skip


def test_the_events_are_removed_with_the_record(toy: ReportingToy) -> None:
    toy.run(FILE)
    record = toy.records[-1]
    assert events_path(record).exists()
    delete_record(toy.root, read_record(record))
    assert list((toy.root / "runs").iterdir()) == []


def test_no_key_depends_on_the_setting(toy: ReportingToy) -> None:
    toy.run(FILE)
    toy.run("lineage.openlineage=off")
    assert {one["status"] for one in read_record(toy.records[-1])["nodes"]} == {"cached"}


def test_http_without_an_endpoint_is_refused_before_the_run(toy: ReportingToy) -> None:
    with pytest.raises(ConfigError, match="no endpoint is configured; set OPENLINEAGE_URL"):
        toy.run("lineage.openlineage=http")
    assert not toy.root.exists()


def test_a_misspelt_value_is_refused(toy: ReportingToy) -> None:
    values: dict[str, Any] = {"lineage.openlineage": "files"}
    with pytest.raises(ConfigError, match=r"lineage\.openlineage"):
        toy.run(*(f"{name}={value}" for name, value in values.items()))
