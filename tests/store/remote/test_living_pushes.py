"""`remove_orphans` on one machine, while another one goes on with an old push."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.engine.toy import Toy
from tests.store.remote.conftest import OpenRemote
from xlm.engine.stage import Node
from xlm.errors import RemoteStoreError
from xlm.store.remote.client import ObjectInfo
from xlm.store.remote.pushing import _Push, push_artifact
from xlm.store.remote.verification import remove_orphans, verify_remote
from xlm.store.store import ArtifactStore

JOIN = Node("join", "all")
WEEK, DAY = timedelta(days=7), timedelta(days=1)


@pytest.fixture
def built(toy: Toy) -> tuple[ArtifactStore, str]:
    """A local store with an artifact, and its key."""
    toy.run(until="join")
    return ArtifactStore.open(str(toy.root)), toy.directory(JOIN).name


def _stop(*_: object, **__: object) -> None:
    raise RemoteStoreError("killed before the manifest was written")


def test_a_push_that_goes_on_after_a_week_is_not_removed(
    built: tuple[ArtifactStore, str], open_remote: OpenRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All its files were there, so it sent nothing, and looked like one that was left over."""
    store, key = built
    with monkeypatch.context() as patch:
        patch.setattr(_Push, "commit", _stop)
        with pytest.raises(RemoteStoreError, match="killed"):
            push_artifact(open_remote(), store, "join", key)
    remover, commit, removed = open_remote(), _Push.commit, []
    # A week passes. Times of objects are whole seconds on some servers.
    listed = remover.client.listed
    before = {one.name: one for one in listed("", lambda: None)}
    time.sleep(1.1)

    def aged(*arguments: object) -> list[ObjectInfo]:
        return [
            replace(one, modified=one.modified - WEEK) if one == before.get(one.name) else one
            for one in listed(*arguments)  # type: ignore[arg-type]
        ]

    monkeypatch.setattr(remover.client, "listed", aged)
    (orphan,) = verify_remote(remover, "fast").orphans

    def remove_and_commit(push: _Push, *, overwrite: bool) -> object:
        removed.extend(remove_orphans(remover, [orphan], DAY))
        return commit(push, overwrite=overwrite)

    monkeypatch.setattr(_Push, "commit", remove_and_commit)
    assert push_artifact(open_remote(), store, "join", key).outcome == "pushed"
    assert removed == []
    assert verify_remote(open_remote(), "deep").damaged == []


@pytest.mark.parametrize("replaced", [False, True])
def test_a_push_that_stood_still_sends_again_what_was_removed(
    built: tuple[ArtifactStore, str],
    open_remote: OpenRemote,
    monkeypatch: pytest.MonkeyPatch,
    replaced: bool,
) -> None:
    """Its manifest named files that were gone: every other machine found the artifact damaged."""
    store, key = built
    if replaced:
        push_artifact(open_remote(), store, "join", key)
    remover, commit = open_remote(), _Push.commit

    def remove_and_commit(push: _Push, *, overwrite: bool) -> object:
        orphans = verify_remote(remover, "fast").orphans
        assert len(remove_orphans(remover, orphans, timedelta())) == 1
        return commit(push, overwrite=overwrite)

    monkeypatch.setattr(_Push, "commit", remove_and_commit)
    chosen = "anything" if replaced else "nothing"
    assert push_artifact(open_remote(), store, "join", key, replace=chosen).outcome == "pushed"
    report = verify_remote(open_remote(), "deep")
    assert (report.checked, report.damaged) == (1, [])
