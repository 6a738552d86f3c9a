"""Progress in Prefect's UI."""

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
