"""Progress in Prefect's UI."""

from uuid import uuid4

import pytest

from xlm.pipeline.observer import Finished
from xlm.stage import Node

pytestmark = pytest.mark.usefixtures("prefect_server")

NODE = Node("pretrain", "all")


def test_a_server_that_went_away_fails_no_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks import progress

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
    monkeypatch.setattr(progress, "create_progress_artifact", create)
    monkeypatch.setattr(progress, "update_progress_artifact", update)
    shown = progress.ProgressArtifacts()
    shown.started(NODE)
    for done in range(3):
        shown.progressed(NODE, done, 3, "steps", "")
    shown.finished(Finished(NODE, "built"))
    assert calls == ["create", "create", "update", "update"]
