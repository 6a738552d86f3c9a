"""Pruned artifacts keep their digest: they are built again only if a stage reads their files."""

import json
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from tests.engine.toy import ALL_BUILT, ALL_CACHED, Recorder, Toy, write_letters
from xlm.engine.stage import FileJob, Node, StageContext, StageResult
from xlm.errors import MissingUpstreamError, StoreError
from xlm.store.cleaning.pruning import prune_artifacts
from xlm.store.integrity.pruned import is_pruned
from xlm.store.integrity.verdicts import read_verdicts
from xlm.store.integrity.verification import verify_store
from xlm.store.store import ArtifactStore
from xlm.store.stored import Stored, stored_artifacts

EN, SW, JOINED, LAST = Node("read", "en"), Node("read", "sw"), Node("join", "all"), "last"


def of_stages(store: ArtifactStore, stages: Collection[str]) -> Callable[[], list[Stored]]:
    return lambda: [one for one in stored_artifacts(store) if one.stage in stages]


@pytest.fixture
def pruned(toy: Toy) -> Toy:
    """The toy with everything built, then without the files of `read` and `join`."""
    toy.run()
    store = ArtifactStore.open(str(toy.root))
    found = prune_artifacts(store, of_stages(store, ("read", "join")))
    assert len(found.artifacts) == 3
    assert found.size_bytes == len("en 0\nsw 0\n") * 2
    return toy


def files(toy: Toy, node: Node) -> set[str]:
    return {path.name for path in toy.directory(node).iterdir()} - {"logs"}


def test_the_manifest_stays_and_nothing_is_built_again(pruned: Toy) -> None:
    assert files(pruned, JOINED) == {"manifest.json", "run.json", "pruned.json"}
    planned = pruned.plan()
    assert {name: one.status for name, one in planned.items()} == {
        "read[en]": "pruned",
        "read[sw]": "pruned",
        "join": "pruned",
        "last": "cached",
    }
    assert pruned.run() == {name: one.status for name, one in planned.items()}
    assert files(pruned, JOINED) == {"manifest.json", "run.json", "pruned.json"}
    report = verify_store(ArtifactStore.open(str(pruned.root)), "deep")
    assert (report.checked, report.pruned, report.damaged) == (1, 3, [])


def test_what_a_stage_reads_is_built_again_and_compared(pruned: Toy) -> None:
    pruned.with_stage("last", version=2)
    planned = pruned.plan()
    assert planned["join"].reasons == ("pruned, but last reads it",)
    assert planned["read[en]"].reasons == ("pruned, but join reads it",)
    recorder = Recorder()
    assert pruned.run(recorder) == ALL_BUILT
    assert any(line.startswith("join: rebuilt: identical") for line in recorder.notices)
    store = ArtifactStore.open(str(pruned.root))
    key = pruned.directory(JOINED).name
    assert [one["verdict"] for one in read_verdicts(store.checks_path("join", key))] == [
        "identical"
    ]
    assert "joined.txt" in files(pruned, JOINED)
    assert verify_store(store, "deep").pruned == 0
    assert pruned.run() == ALL_CACHED


def test_inputs_of_a_pruned_artifact_stay_pruned_if_it_does(pruned: Toy) -> None:
    """Only `last` is built: it reads `join`, which was built again and is there."""
    pruned.run(until="join")
    pruned.with_stage("last", version=2)
    store = ArtifactStore.open(str(pruned.root))
    prune_artifacts(store, of_stages(store, ("read",)))
    planned = pruned.plan()
    assert {name: one.status for name, one in planned.items()} == {
        "read[en]": "pruned",
        "read[sw]": "pruned",
        "join": "cached",
        "last": "build",
    }
    assert pruned.run()["last"] == "built"
    assert is_pruned(pruned.directory(EN))


def test_a_request_that_ends_with_a_pruned_artifact_builds_it(pruned: Toy) -> None:
    planned = pruned.plan(until="read[en]")
    assert planned["read[en]"].reasons == ("pruned, but requested",)
    assert pruned.run(until="read[en]") == {"read[en]": "built"}
    assert "text.txt" in files(pruned, EN)
    assert is_pruned(pruned.directory(SW))


def test_a_refresh_builds_a_pruned_artifact(pruned: Toy) -> None:
    recorder = Recorder()
    statuses = pruned.run(recorder, refresh=("join",))
    assert statuses == {**ALL_BUILT, "last": "cached"}


def test_a_pruned_input_outside_of_the_selection_is_refused_before_anything_is_built(
    pruned: Toy,
) -> None:
    pruned.with_stage("last", version=2)
    with pytest.raises(MissingUpstreamError) as caught:
        pruned.run(only=("last",))
    assert str(caught.value) == (
        "join, an input of last, was pruned; build it again with "
        f"`toy run --until 'join' --root {pruned.root}`"
    )
    pruned.run(until="join")
    assert pruned.run(only=("last",)) == {"last": "built"}


def test_a_stage_that_reads_only_manifests_needs_no_files(pruned: Toy) -> None:
    def read_size(context: StageContext[object]) -> StageResult:  # type: ignore[type-var]
        manifest = json.loads((context.inputs["joined"] / "manifest.json").read_bytes())
        (context.out / "size.txt").write_text(str(manifest["files"][0]["size_bytes"]))
        return StageResult()

    pruned.with_stage(
        "last", version=2, run=read_size, reads_manifest_only=lambda role: role == "joined"
    )
    assert pruned.plan()["join"].status == "pruned"
    statuses = pruned.run()
    assert statuses == {
        "read[en]": "pruned",
        "read[sw]": "pruned",
        "join": "pruned",
        "last": "built",
    }
    assert (pruned.directory(Node("last", "all")) / "size.txt").read_text() == "10"


def _other_text(job: FileJob) -> dict[str, int]:
    return dict(write_letters(FileJob(job.name, (), job.targets, {"text": "other\n"})))


def _read_other(context: StageContext[object]) -> StageResult:  # type: ignore[type-var]
    context.map_files(_other_text, [FileJob("only", (), (context.out / "text.txt",), {})])
    return StageResult()


def test_other_bytes_are_refused_and_accepted_by_a_refresh(pruned: Toy) -> None:
    digest = pruned.plan()["read[en]"].manifest
    assert digest is not None
    pruned.with_stage("read", run=_read_other)
    pruned.with_stage("last", version=2)
    with pytest.raises(StoreError) as caught:
        pruned.run()
    assert str(caught.value).startswith(
        "read[en] was pruned, and building it again gave other bytes: digest "
    )
    assert f"instead of {digest.digest[:12]}; accept them with `--refresh 'read[en]'`" in str(
        caught.value
    )
    assert is_pruned(pruned.directory(EN))  # its digest is still known
    recorder = Recorder()
    assert pruned.run(recorder, refresh=("read",)) == ALL_BUILT
    assert any("read[en]: rebuilt: different" in line for line in recorder.notices)


def test_an_input_pruned_after_the_plan_of_the_run_is_built_when_it_is_read(toy: Toy) -> None:
    """A deep check finds damage that the plan of the run did not see."""
    toy.run()
    store = ArtifactStore.open(str(toy.root))
    prune_artifacts(store, of_stages(store, ("read", "join")))
    size = toy.directory(Node("last", "all")) / "size.txt"
    size.write_text("X" * size.stat().st_size)
    recorder = Recorder()
    statuses = toy.run(recorder, verify="deep")
    assert statuses == ALL_BUILT
    assert "join: was pruned, and last reads it: building it again" in recorder.notices


def test_what_a_run_uses_is_not_pruned(toy: Toy) -> None:
    toy.run()
    store = ArtifactStore.open(str(toy.root))
    with toy.open() as run:
        for node in run.selected:
            run.build(node)
        found = prune_artifacts(store, of_stages(store, ("read", "join")))
        assert found.artifacts == []
        assert len(found.in_use) == 3
    assert toy.run() == ALL_CACHED


def test_a_damaged_manifest_of_a_pruned_artifact_is_reported_and_built(pruned: Toy) -> None:
    path: Path = pruned.directory(EN) / "manifest.json"
    path.write_text("{")
    report = verify_store(ArtifactStore.open(str(pruned.root)), "fast")
    assert [one.stage for one in report.damaged] == ["read"]
    assert pruned.plan()["read[en]"].status == "build"
    assert pruned.run()["read[en]"] == "built"
    assert pruned.run()["last"] == "cached"
