"""Progress in Prefect's UI."""

import threading
from uuid import uuid4

import pytest

from xlm.engine.events import Finished
from xlm.engine.stage import Node

pytestmark = pytest.mark.usefixtures("prefect_server")

NODE = Node("pretrain", "all")


def test_a_lost_server_fails_no_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks import progress, reach

    calls: list[str] = []

    def create(*_: object, **__: object) -> object:
        calls.append("create")
        if len(calls) == 1:
            raise ConnectionError("server went away")
        return uuid4()

    def update(*_: object) -> None:
        calls.append("update")
        raise ConnectionError("server went away")

    monkeypatch.setattr(progress, "INTERVAL_SECONDS", 0.0)
    monkeypatch.setattr(reach, "RECOVERY_SECONDS", 0.0)
    monkeypatch.setattr(progress, "create_progress_artifact", create)
    monkeypatch.setattr(progress, "update_progress_artifact", update)
    shown = progress.ProgressArtifacts()
    shown.started(NODE)
    for done in range(3):
        shown.progressed(NODE, done, 3, "steps", "")
    shown.finished(Finished(NODE, "built"))
    assert calls == ["create", "create", "update", "update"]


def test_a_lost_server_gets_no_requests_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each attempt takes Prefect a minute, and the stage waits for it."""
    from tasks import progress

    calls: list[str] = []

    def create(*_: object, **__: object) -> object:
        calls.append("create")
        raise ConnectionError("server went away")

    monkeypatch.setattr(progress, "INTERVAL_SECONDS", 0.0)
    monkeypatch.setattr(progress, "create_progress_artifact", create)
    shown = progress.ProgressArtifacts()
    for node in (NODE, Node("finetune", "all")):
        shown.started(node)
        for done in range(3):
            shown.progressed(node, done, 3, "steps", "")
        shown.finished(Finished(node, "built"))
    assert calls == ["create"]


def test_all_downloads_share_one_artifact(monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks import progress

    created: list[tuple[float, str, str]] = []
    updated: list[tuple[float, str]] = []

    def create(percent: float, *, key: str, description: str) -> object:
        created.append((percent, key, description))
        return uuid4()

    monkeypatch.setattr(progress, "INTERVAL_SECONDS", 0.0)
    monkeypatch.setattr(progress, "create_progress_artifact", create)
    monkeypatch.setattr(
        progress, "update_progress_artifact", lambda _, *given: updated.append(given)
    )
    first, second = Node("download", "ntrex.en"), Node("download", "wikipedia.sw")
    shown = progress.ProgressArtifacts()
    shown.expected({first: 1_000_000, second: 3_000_000})
    for node in (first, second):
        shown.started(node)
    shown.progressed(first, 1_000_000, 1_000_000, "bytes", "")
    shown.progressed(second, 1_000_000, 3_000_000, "bytes", "")
    for node in (first, second):
        shown.finished(Finished(node, "built"))
    key, text = "progress-download-all", "download: 1.0 MB of about 4.0 MB, 0 of 2 files"
    assert created == [(25.0, key, text)]
    assert [percent for percent, _ in updated] == [50.0, 100.0]
    assert updated[-1][1].startswith("download: 2.0 MB of 2.0 MB")


def test_threads_that_report_together_create_one_artifact(monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks import progress

    writing, others_are_done, created = threading.Event(), threading.Event(), []

    def create(percent: float, **_: object) -> object:
        created.append(percent)
        writing.set()
        others_are_done.wait(60)
        return uuid4()

    monkeypatch.setattr(progress, "INTERVAL_SECONDS", 0.0)
    monkeypatch.setattr(progress, "create_progress_artifact", create)
    node, shown = Node("download", "ntrex.en"), progress.ProgressArtifacts()
    shown.expected({node: 100})
    shown.started(node)
    first = threading.Thread(target=shown.progressed, args=(node, 10, 100, "bytes", ""))
    first.start()
    assert writing.wait(60)
    shown.progressed(node, 20, 100, "bytes", "")
    others_are_done.set()
    first.join()
    assert created == [10.0]
