"""Documents of running stages in Prefect's UI."""

from uuid import uuid4

import pytest

from xlm.engine.events import Finished, NodeProgress, Observers
from xlm.engine.stage import Node

pytestmark = pytest.mark.usefixtures("prefect_server")

NODE = Node("pretrain", "all")


def test_a_document_is_one_artifact_that_is_updated_in_place() -> None:
    from prefect import flow
    from prefect.client.orchestration import get_client

    from tasks.documents import DocumentArtifacts

    shown = DocumentArtifacts()

    @flow
    def training() -> None:
        shown.started(NODE)
        shown.shown(NODE, "curves", "first")
        shown.shown(NODE, "curves", "second, too soon")
        shown.shown(NODE, "mixture", "table")
        shown.finished(Finished(NODE, "built"))

    training()
    with get_client(sync_client=True) as client:
        # The server is shared by all tests of flows: only these two documents are looked at.
        keys = {"key": {"any_": ["curves-pretrain-all", "mixture-pretrain-all"]}}
        response = client.request("POST", "/artifacts/filter", json={"artifacts": keys})
    found = sorted((one["key"], one["data"]) for one in response.json())
    assert found == [
        ("curves-pretrain-all", "second, too soon"),
        ("mixture-pretrain-all", "table"),
    ]


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    from tasks import documents

    texts: list[str] = []

    def put(node: Node, name: str, document: documents._Document) -> None:
        texts.append(document.text)
        document.artifact = uuid4()

    monkeypatch.setattr(documents, "_put", put)
    return texts


def test_it_is_written_at_most_once_in_an_interval(
    writes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks import documents

    now = [0.0]
    monkeypatch.setattr(documents.time, "monotonic", lambda: now[0])
    shown = documents.DocumentArtifacts()
    shown.started(NODE)
    for second in range(100):
        now[0] = float(second)
        shown.shown(NODE, "curves", f"at {second}")
    assert writes == ["at 0", "at 30", "at 60", "at 90"]
    now[0] = 125.0
    shown.progressed(NODE, 1, 2, "updates", "")
    shown.progressed(NODE, 1, 2, "updates", "")
    assert writes[4:] == ["at 99"]
    shown.finished(Finished(NODE, "built"))
    assert len(writes) == 5


def test_a_lost_server_fails_no_stage_and_gets_no_requests_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tasks import documents, progress
    from tasks.reach import ServerReach

    calls: list[str] = []

    def fail(*_: object, **__: object) -> None:
        calls.append("call")
        raise ConnectionError("server went away")

    monkeypatch.setattr(documents, "create_markdown_artifact", fail)
    monkeypatch.setattr(progress, "create_progress_artifact", fail)
    monkeypatch.setattr(progress, "INTERVAL_SECONDS", 0.0)
    reach = ServerReach()
    shown, bar = documents.DocumentArtifacts(reach), progress.ProgressArtifacts(reach)
    both = Observers([shown, bar])
    both.started(NODE)
    NodeProgress(both, NODE, lambda: None).show("curves", "text")
    both.progressed(NODE, 1, 2, "updates", "")
    both.finished(Finished(NODE, "built"))
    assert calls == ["call"]
