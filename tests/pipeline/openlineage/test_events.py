"""The events of a run: valid by the schema of OpenLineage, complete, and without secrets."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from tests.engine.toy import ReadSlice
from tests.pipeline.openlineage.conftest import Event, ReportingToy
from tests.pipeline.openlineage.schemas import require_valid
from tests.pipeline.toy import PIPELINE_JOIN, PIPELINE_LAST, PIPELINE_READ
from xlm.engine.stage import Source, StageContext, StageResult
from xlm.errors import ConfigError, DataError
from xlm.pipeline.run_record import delete_record, events_path, read_record

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


def test_cached_nodes_only_complete_and_say_so(toy: ReportingToy) -> None:
    toy.run()
    assert not events_path(toy.records[-1]).exists()
    toy.run(FILE)
    events = toy.events()
    for event in events:
        require_valid(event)
    assert shape(events)[1:-1] == [("COMPLETE", node) for node in NODES]
    facets = [one["run"]["facets"]["xlm_node"] for one in events[1:-1]]
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
