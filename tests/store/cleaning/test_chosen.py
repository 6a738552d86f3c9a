"""`xlm store rm`: artifacts by the start of their key, and what is refused."""

import subprocess
import sys

import pytest

from tests.engine.toy import ALL_BUILT, ALL_CACHED, Toy
from tests.repository import REPOSITORY
from xlm.engine.stage import Node
from xlm.errors import StoreError
from xlm.store.cleaning.chosen import remove_artifacts
from xlm.store.integrity.verification import verify_store
from xlm.store.store import ArtifactStore
from xlm.store.stored import find_artifact, stored_artifacts, upstream_of

LAST, JOIN = Node("last", "all"), Node("join", "all")


@pytest.fixture
def store(toy: Toy) -> ArtifactStore:
    toy.run()
    return ArtifactStore.open(str(toy.root))


def key_of(toy: Toy, node: Node) -> str:
    return toy.directory(node).name


def test_an_artifact_is_found_by_the_start_of_its_key(toy: Toy, store: ArtifactStore) -> None:
    key = key_of(toy, LAST)
    for text in (key, key[:10], f"last/{key[:10]}"):
        assert find_artifact(store, text).key == key
    for text in ("", "/", f"join/{key[:6]}", "x" * 24, "last/", key + "0"):
        with pytest.raises(StoreError, match="no artifact with the key"):
            find_artifact(store, text)
    names = {one.name for one in upstream_of(store, find_artifact(store, key))}
    assert names == {"join[all]", "read[en]", "read[sw]"}


def test_the_artifacts_of_an_ambiguous_start_are_listed(store: ArtifactStore) -> None:
    first, second = (one for one in stored_artifacts(store) if one.stage == "read")
    renamed = second.directory.with_name(first.key[:20] + "0000")
    second.directory.rename(renamed)
    with pytest.raises(StoreError) as caught:
        find_artifact(store, f"read/{first.key[:20]}")
    assert str(caught.value) == (
        f"2 artifacts have keys that begin with 'read/{first.key[:20]}': "
        + ", ".join(
            f"read/{path.name} (read[{unit}])"
            for path, unit in sorted(
                [
                    (first.directory, first.manifest.unit if first.manifest else ""),
                    (renamed, second.manifest.unit if second.manifest else ""),
                ]
            )
        )
        + "; write more digits"
    )


def test_what_others_need_is_refused_and_nothing_is_removed(toy: Toy, store: ArtifactStore) -> None:
    last, join = key_of(toy, LAST), key_of(toy, JOIN)
    with pytest.raises(
        StoreError, match=rf"join\[all\] {join} is needed by last\[all\] {last[:12]}"
    ):
        remove_artifacts(store, [join])
    with pytest.raises(StoreError, match="is needed by run base"):
        remove_artifacts(store, [last], users_of=lambda one: ["run base"])
    with pytest.raises(StoreError, match="no artifact"):
        remove_artifacts(store, [last, "0" * 24])
    assert toy.run() == ALL_CACHED
    # Both together are needed by nothing else.
    assert {one.name for one in remove_artifacts(store, [join, last])} == {"join[all]", "last[all]"}
    assert toy.run() == ALL_CACHED | {"join": "built", "last": "built"}
    remove_artifacts(store, [join], force=True)
    assert toy.run() == ALL_CACHED | {"join": "built"}


def test_what_a_run_uses_is_refused_even_by_force(toy: Toy, store: ArtifactStore) -> None:
    last = key_of(toy, LAST)
    with toy.open() as run:
        run.locate(LAST)
        with pytest.raises(StoreError, match=rf"last\[all\] {last} is in use by a run; wait until"):
            remove_artifacts(store, [last], force=True)
    # A process of an earlier version has no lease.
    with store.lock("last", last), pytest.raises(StoreError, match="is in use by a run"):
        remove_artifacts(store, [last], force=True)
    remove_artifacts(store, [last])


def test_all_bytes_of_a_key_are_removed_with_its_side_files(toy: Toy, store: ArtifactStore) -> None:
    key = key_of(toy, LAST)
    home = store.root / "artifacts" / "last"
    toy.with_stage("last", run=_other).run(refresh=("last",))
    assert {path.name.partition(".")[2] for path in home.iterdir()} > {"", "current", "checks"}
    assert len(remove_artifacts(store, [key])) == 2
    assert list(home.iterdir()) == []
    assert toy.original().run()["last"] == "built"


def _other(context: object) -> object:
    from xlm.engine.stage import StageResult

    (context.out / "size.txt").write_text("other")  # type: ignore[attr-defined]
    return StageResult()


_REMOVER = """
import os, signal, sys
from xlm.store.cleaning import removal
from xlm.store.cleaning.chosen import remove_artifacts
from xlm.store.store import ArtifactStore
left, original = int(sys.argv[2]), removal.set_aside
def killed(*arguments):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments)
removal.set_aside = killed
remove_artifacts(ArtifactStore.open(sys.argv[1]), sys.argv[3:])
"""


@pytest.mark.slow
@pytest.mark.fault
@pytest.mark.parametrize("calls", [0, 1, 3])
def test_a_killed_removal_is_finished_by_the_next(
    toy: Toy, store: ArtifactStore, calls: int
) -> None:
    keys = [one.key for one in stored_artifacts(store)]
    command = [sys.executable, "-c", _REMOVER, str(store.root), str(calls), *keys]
    assert subprocess.run(command, check=False, cwd=REPOSITORY).returncode == -9
    assert len(list(stored_artifacts(store))) == len(keys) - calls
    assert verify_store(store, "deep").damaged == []
    left = [one.key for one in stored_artifacts(store)]
    remove_artifacts(store, left)
    assert list(stored_artifacts(store)) == []
    assert not list((store.root / "removed").iterdir())
    assert toy.run() == ALL_BUILT
