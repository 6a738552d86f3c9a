"""Runs on two machines that share a remote store, against real servers."""

import json
import logging

import pytest

from tests.engine.toy import ALL_BUILT, ALL_CACHED, Recorder, Toy
from tests.store.remote.servers import BUCKET, Server
from xlm.engine.stage import Node, StageContext, StageResult
from xlm.store.store import ArtifactStore

pytestmark = pytest.mark.slow

ALL_PULLED = dict.fromkeys(ALL_BUILT, "pulled")
LAST = Node("last", "all")


def test_what_one_machine_builds_the_other_pulls(here: Toy, there: Toy) -> None:
    assert here.run() == ALL_BUILT
    assert {one.status for one in there.plan().values()} == {"remote"}
    assert not there.root.exists() or not list((there.root / "artifacts").glob("*/*"))
    assert there.run() == ALL_PULLED
    assert there.run() == ALL_CACHED
    for node in (LAST, Node("join", "all"), Node("read", "sw")):
        assert {
            path.relative_to(here.directory(node)): path.read_bytes()
            for path in here.directory(node).rglob("*")
            if path.is_file()
        } == {
            path.relative_to(there.directory(node)): path.read_bytes()
            for path in there.directory(node).rglob("*")
            if path.is_file()
        }
    assert not list((here.root / "remote" / "pending").iterdir())
    assert not list((there.root / "pulling").glob("*/*"))


def test_every_push_has_a_folder_of_its_own_and_one_manifest(
    here: Toy, server: Server, url: str
) -> None:
    here.run()
    manifest = here.directory(LAST).name
    prefix = url.removeprefix(f"s3://{BUCKET}/")
    objects = server.objects(f"{prefix}/artifacts/last/{manifest}/")
    written = json.loads(objects[f"{prefix}/artifacts/last/{manifest}/manifest.json"])
    builder = written["builder"]
    assert set(objects) == {
        f"{prefix}/artifacts/last/{manifest}/manifest.json",
        f"{prefix}/artifacts/last/{manifest}/{builder}/run.json",
        f"{prefix}/artifacts/last/{manifest}/{builder}/size.txt",
    }
    assert "canary" not in repr(objects).lower()


def test_a_refresh_with_the_same_bytes_pushes_nothing(here: Toy, server: Server, url: str) -> None:
    here.run()
    before = server.objects(url.removeprefix(f"s3://{BUCKET}/"))
    recorder = Recorder()
    assert here.run(recorder, refresh=("join",))["join"] == "built"
    assert server.objects(url.removeprefix(f"s3://{BUCKET}/")) == before
    assert [line for line in recorder.notices if "remote" in line] == []


def _other_join(context: StageContext) -> StageResult:
    (context.out / "joined.txt").write_text("other\n")
    return StageResult()


def test_a_refresh_with_other_bytes_is_reported_and_the_first_ones_stay(
    here: Toy, there: Toy
) -> None:
    here.run()
    recorder = Recorder()
    here.with_stage("join", run=_other_join).run(recorder, refresh=("join",))
    (line,) = [line for line in recorder.notices if "remote" in line]
    assert line.startswith("join: the remote store keeps other bytes of ")
    assert "--replace` replaces them" in line
    assert there.run() == ALL_PULLED
    joined = there.directory(Node("join", "all")) / "joined.txt"
    assert joined.read_text() == "en 0\nsw 0\n"
    assert (here.directory(Node("join", "all")) / "joined.txt").read_text() == "other\n"


def test_a_refresh_does_not_look_into_the_remote_store(here: Toy, there: Toy) -> None:
    here.run()
    assert there.plan(refresh=("join",))["join"].status == "build"
    assert there.run(refresh=("join",))["join"] == "built"


def test_a_damaged_local_artifact_is_pulled_again(here: Toy) -> None:
    here.run()
    (here.directory(LAST) / "size.txt").write_text("9999")
    assert here.plan()["last"].status == "remote"
    assert here.run()["last"] == "pulled"
    joined = here.directory(Node("join", "all")) / "joined.txt"
    joined.write_text("xx 0\nsw 0\n")
    assert here.run(verify="deep")["join"] == "pulled"
    joined.write_text("xx 0\nsw 0\n")
    # An input outside of the selection, and wrong bytes of the right size.
    assert here.run(only=("last",), refresh=("last",)) == {"last": "built"}
    assert joined.read_text() == "en 0\nsw 0\n"
    assert ArtifactStore.open(str(here.root)).damage("join", joined.parent.name, "deep") is None


def test_a_remote_artifact_that_is_out_of_date_is_built_and_replaced(
    here: Toy, there: Toy, caplog: pytest.LogCaptureFixture
) -> None:
    here.run()
    wanted = {"now": 1}

    def read_again(context: StageContext) -> StageResult:
        (context.out / "joined.txt").write_text("en 0\nsw 0\n")
        return StageResult(counts={"version": wanted["now"]})

    def stale(config: object, manifest: dict) -> str | None:
        return None if manifest["counts"].get("version") == wanted["now"] else "it is old"

    for machine in (here, there):
        machine.with_stage("join", run=read_again, stale=stale)
    assert there.plan()["join"].status == "build"
    assert there.run()["join"] == "built"
    assert "join in the remote store is not used: it is old" in caplog.text
    assert here.run()["join"] == "pulled"


def test_inputs_outside_of_the_selection_are_pulled(here: Toy, there: Toy) -> None:
    here.run(until="join")
    assert there.run(only=("last",)) == {"last": "built"}


def test_without_a_remote_store_nothing_of_it_appears(toy: Toy) -> None:
    toy.run()
    assert not (toy.root / "remote").exists()
    assert not (toy.root / "pulling").exists()


def test_the_lines_about_pushes_do_not_depend_on_the_log_level(
    here: Toy, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        here.run()
    assert "canarySecretKey" not in caplog.text
