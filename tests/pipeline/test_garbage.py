"""`xlm store gc`: what it keeps, what it removes, and runs and kills meanwhile."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.pipeline.toy import PIPELINE_JOIN, PIPELINE_LAST, PIPELINE_READ, PROFILE, PipelineToy
from tests.repository import REPOSITORY
from xlm.errors import DataError, StoreError
from xlm.pipeline.needed import needed_artifacts
from xlm.pipeline.run_record import begin_run_record, record_paths, write_run_record
from xlm.store.artifact import Staging
from xlm.store.cleaning.garbage import Garbage, collect_garbage, find_garbage
from xlm.store.integrity.verification import verify_store
from xlm.store.store import ArtifactStore
from xlm.store.stored import stored_artifacts

pytestmark = pytest.mark.slow


def make_run(toy: PipelineToy, seed: int, name: str | None = None) -> ArtifactStore:
    with toy.built(toy.request(f"bpe.seed={seed}", name=name)) as run:
        write_run_record(run)
    return ArtifactStore.open(toy.settings.root)


def collect(store: ArtifactStore, keep_runs: int) -> Garbage:
    before = find_garbage(store, needed_artifacts(store.root, keep_runs))
    found = collect_garbage(store, lambda: needed_artifacts(store.root, keep_runs))
    assert found == before  # a dry run shows what is removed
    assert not list((store.root / "removed").iterdir() if found.artifacts else [])
    assert verify_store(store, "deep").damaged == []
    return found


def seeds(store: ArtifactStore) -> list[int]:
    """The seeds of the artifacts of `join`, which has one for each seed."""
    return sorted(
        one.manifest.config["seed"]
        for one in stored_artifacts(store)
        if one.stage == "join" and one.manifest
    )


def test_the_last_runs_and_those_with_a_name_are_kept(pipeline_toy: PipelineToy) -> None:
    for seed, name in ((1, "base"), (2, None), (3, None), (4, None)):
        store = make_run(pipeline_toy, seed, name)
    assert collect(store, 3).artifacts == []
    found = collect(store, 2)
    # The text and the sizes do not depend on the seed, so all runs share them.
    assert [one.name for one in found.artifacts] == ["join[all]"]
    assert seeds(store) == [1, 3, 4]
    collect(store, 0)
    # The references keep what the last run of the profile made.
    assert seeds(store) == [1, 4]
    with pipeline_toy.built(pipeline_toy.request("bpe.seed=4")) as run:
        assert {one.status for one in run.results.values()} == {"cached"}


def test_the_checkpoints_of_a_run_that_failed_stay_with_its_record(
    pipeline_toy: PipelineToy,
) -> None:
    def fail(context: object) -> None:
        (context.scratch / "checkpoint").write_text("an hour of training")  # type: ignore[attr-defined]
        raise DataError("stopped")

    stages = (PIPELINE_READ, replace(PIPELINE_JOIN, run=fail), PIPELINE_LAST)  # type: ignore[arg-type]
    with pipeline_toy.open(stages=stages) as run:
        for node in run.selected[:2]:
            run.build(node)
        with pytest.raises(DataError):
            run.build(run.selected[2])
        write_run_record(run)
    store = run.store
    (checkpoint,) = store.root.glob("staging/join/*/scratch/checkpoint")
    collect(store, 1)
    assert checkpoint.exists()
    hold = Staging(checkpoint.parents[1]).hold
    hold.touch()
    assert collect(store, 0).leftovers == []  # a job of a cluster may still write there
    hold.unlink()
    assert [one.name for one in collect(store, 0).leftovers] == [
        f"join {checkpoint.parts[-3][:12]}"
    ]
    assert not checkpoint.exists()


def test_a_run_that_goes_on_keeps_what_it_uses(pipeline_toy: PipelineToy) -> None:
    for seed in (1, 2, 3):
        store = make_run(pipeline_toy, seed)
    with pipeline_toy.open(pipeline_toy.request("bpe.seed=2", until="join")) as run:
        for node in run.selected:
            run.build(node)
        begin_run_record(run)
        # Nothing else names seed 2 now. The artifact of `last` was built from that of seed 1.
        for path in (store.root / "references").glob("*/join/*"):
            path.unlink()
        collect(store, 0)
        assert seeds(store) == [1, 2]
    collect(store, 0)
    assert seeds(store) == [1]


def test_older_bytes_of_a_key_are_removed_unless_something_was_built_from_them(
    pipeline_toy: PipelineToy,
) -> None:
    store = make_run(pipeline_toy, 1)
    written = iter(["other", "third"])

    def differ(context: object) -> object:
        result = PIPELINE_JOIN.run(context)  # type: ignore[arg-type]
        (context.out / "joined.txt").write_text(next(written))  # type: ignore[attr-defined]
        return result

    stages = (PIPELINE_READ, replace(PIPELINE_JOIN, run=differ), PIPELINE_LAST)  # type: ignore[arg-type]
    for _ in range(2):
        request = pipeline_toy.request("bpe.seed=1", refresh=("join",))
        with pipeline_toy.open(request, stages) as run:
            for node in run.selected:
                run.build(node)
            write_run_record(run)
    texts = {path.read_text() for path in store.root.glob("artifacts/join/*/joined.txt")}
    assert len(texts) == 3
    collect(store, 10)
    assert len(list(store.root.glob("artifacts/join/*/joined.txt"))) == 3
    collect(store, 1)
    kept = [path.read_text() for path in store.root.glob("artifacts/join/*/joined.txt")]
    assert kept == ["third"]


@pytest.mark.parametrize("place", ["runs", "references"])
def test_a_damaged_record_stops_the_removal(pipeline_toy: PipelineToy, place: str) -> None:
    store = make_run(pipeline_toy, 1)
    path = (
        record_paths(store.root)[0]
        if place == "runs"
        else next((store.root / "references").glob("*/*/*.json"))
    )
    path.write_text("{")
    with pytest.raises(StoreError, match=rf"{path} is damaged, .*; remove it"):
        needed_artifacts(store.root, 10)
    assert len(list(stored_artifacts(store))) == 4


_COLLECTOR = """
import os, signal, sys
from pathlib import Path
from xlm.pipeline.needed import needed_artifacts
from xlm.store.cleaning import garbage, removal
from xlm.store.store import ArtifactStore
root, place, left = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
module = {"set_aside": removal, "delete_removed": garbage}[place]
original = getattr(module, place)
def killed(*arguments):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments)
setattr(module, place, killed)
store = ArtifactStore.open(str(root))
garbage.collect_garbage(store, lambda: needed_artifacts(root, 0))
"""


@pytest.mark.fault
@pytest.mark.parametrize(
    ("place", "calls"), [("set_aside", 0), ("set_aside", 2), ("delete_removed", 0)]
)
def test_a_killed_removal_leaves_artifacts_whole_or_absent(
    pipeline_toy: PipelineToy, place: str, calls: int
) -> None:
    for seed in range(5):
        store = make_run(pipeline_toy, seed)
    command = [sys.executable, "-c", _COLLECTOR, str(store.root), place, str(calls)]
    done = subprocess.run(command, check=False, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    assert verify_store(store, "deep").damaged == []
    with pipeline_toy.built(pipeline_toy.request("bpe.seed=4")) as run:
        assert {one.status for one in run.results.values()} == {"cached"}
    collect(store, 0)
    assert seeds(store) == [0, 4]  # `last` was built from that of seed 0
    assert not list((store.root / "removed").iterdir())


_BUILDER = """
import sys
from pathlib import Path
from tests.pipeline.toy import PipelineToy
from xlm.pipeline.run_record import begin_run_record, write_run_record
from xlm.processes.pool.executor import worker_pool
root = Path(sys.argv[1])
if __name__ == "__main__":
    with worker_pool(1, root / "tools") as pool:
        toy = PipelineToy(root, pool)
        for seed in range(20):
            # Every second run finds its artifacts in the store, or builds them again.
            with toy.open(toy.request(f"bpe.seed={seed // 2}")) as run:
                record = begin_run_record(run)
                for node in run.selected:
                    run.build(node)
                for built in run.results.values():
                    for file in built.artifact.manifest.all_files:
                        assert (built.artifact.directory / file.path).is_file(), file.path
                write_run_record(run, record)
            print("run", seed, flush=True)
"""


def test_runs_go_on_while_garbage_is_collected(tmp_path: Path) -> None:
    root = tmp_path / "data"
    script = tmp_path / "builder.py"
    script.write_text(_BUILDER)
    builder = subprocess.Popen(
        [sys.executable, str(script), str(root)],
        cwd=REPOSITORY,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert builder.stdout is not None
    first = builder.stdout.readline()
    store = ArtifactStore.open(str(root))
    removed = rounds = 0
    while builder.poll() is None:
        removed += len(collect_garbage(store, lambda: needed_artifacts(root, 0)).artifacts)
        rounds += 1
    printed = first + builder.stdout.read()
    builder.stdout.close()
    assert builder.returncode == 0, printed
    assert printed.count("run ") == 20
    assert rounds
    removed += len(collect_garbage(store, lambda: needed_artifacts(root, 0)).artifacts)
    assert removed >= 8  # the `join` of every seed but the first and the last
    assert verify_store(store, "deep").damaged == []
    assert seeds(store) == [0, 9]
    assert json.loads(record_paths(root)[-1].read_text())["request"]["profile"] == str(PROFILE)
