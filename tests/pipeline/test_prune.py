"""`xlm store prune`: what it chooses from the recorded runs, kills in its middle, and runs."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.pipeline.toy import PIPELINE_JOIN, PIPELINE_LAST, PIPELINE_READ, PipelineToy
from tests.repository import REPOSITORY
from xlm.errors import StoreError
from xlm.pipeline.prunable import Prunable, prunable_artifacts
from xlm.pipeline.run_record import record_paths, write_run_record
from xlm.store.cleaning.pruning import Pruned, prune_artifacts
from xlm.store.disk.filesystem import walk_real
from xlm.store.integrity.verification import verify_store
from xlm.store.remote.pending import PendingPushes
from xlm.store.store import ArtifactStore

pytestmark = pytest.mark.slow

STAGES = (
    replace(PIPELINE_READ, intermediate=True),
    replace(PIPELINE_JOIN, intermediate=True),
    PIPELINE_LAST,
)


def make_run(toy: PipelineToy, seed: int, until: str | None = None) -> ArtifactStore:
    with toy.open(toy.request(f"bpe.seed={seed}", until=until), STAGES) as run:
        for node in run.selected:
            run.build(node)
        write_run_record(run)
    return ArtifactStore.open(toy.settings.root)


def prunable(store: ArtifactStore, keep_runs: int = 10, keep: tuple[str, ...] = ()) -> Prunable:
    return prunable_artifacts(store, keep_runs, keep, STAGES)


def prune(store: ArtifactStore) -> Pruned:
    return prune_artifacts(store, lambda: prunable(store).artifacts)


def names(found: Prunable) -> list[str]:
    return [one.name for one in found.artifacts]


def test_only_what_a_finished_stage_read_is_chosen(pipeline_toy: PipelineToy) -> None:
    store = make_run(pipeline_toy, 1, until="join")
    found = prunable(store)
    assert names(found) == ["read[en]", "read[sw]"]
    assert list(found.kept.values()) == ["last of run 1 is not built"]
    make_run(pipeline_toy, 1)
    assert names(prunable(store)) == ["join[all]", "read[en]", "read[sw]"]
    assert names(prunable(store, keep=("read",))) == ["join[all]"]
    PendingPushes(store.root).expect("join", prunable(store).artifacts[0].key)
    assert names(prunable(store)) == ["read[en]", "read[sw]"]


def test_what_an_unfinished_run_needs_is_kept_as_long_as_it_counts(
    pipeline_toy: PipelineToy,
) -> None:
    store = make_run(pipeline_toy, 2, until="read")
    make_run(pipeline_toy, 1)
    found = prunable(store)
    assert names(found) == ["join[all]"]
    assert set(found.kept.values()) == {"join of run 1 is not built"}
    assert names(prunable(store, keep_runs=1)) == ["join[all]", "read[en]", "read[sw]"]


def test_what_a_pruned_artifact_is_built_from_is_kept_if_it_must_be_built_again(
    pipeline_toy: PipelineToy,
) -> None:
    store = make_run(pipeline_toy, 1)
    prune_artifacts(
        store, lambda: [one for one in prunable(store).artifacts if one.stage == "join"]
    )
    stages = (*STAGES[:2], replace(PIPELINE_LAST, version=2))
    found = prunable_artifacts(store, 10, (), stages)
    assert names(found) == []
    assert set(found.kept.values()) == {"join of run 1 is not built"}
    assert names(prunable(store)) == ["read[en]", "read[sw]"]


def test_a_run_of_another_version_keeps_what_it_used(pipeline_toy: PipelineToy) -> None:
    store = make_run(pipeline_toy, 1)
    path = record_paths(store.root)[0]
    path.write_text(path.read_text().replace('"finetune": {', '"finetuning": {', 1))
    found = prunable(store)
    assert names(found) == []
    assert set(found.kept.values()) == {"run 1 is of another version"}


def test_a_damaged_record_stops_the_command(pipeline_toy: PipelineToy) -> None:
    store = make_run(pipeline_toy, 1)
    record_paths(store.root)[0].write_text("{")
    with pytest.raises(StoreError, match="is damaged, so it is not known"):
        prunable(store)


_PRUNER = """
import os, signal, sys
from xlm.store.cleaning import pruning, removal
from xlm.store.store import ArtifactStore
from tests.pipeline.test_prune import prune
root, place, left = sys.argv[1], sys.argv[2], int(sys.argv[3])
module = {"rename": removal.Path, "mark_pruned": pruning, "delete_removed": pruning}[place]
original = getattr(module, place)
def killed(*arguments):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments)
setattr(module, place, killed)
prune(ArtifactStore.open(root))
"""


@pytest.mark.fault
@pytest.mark.parametrize(
    ("place", "calls"),
    [("mark_pruned", 0), ("mark_pruned", 2), ("rename", 0), ("rename", 1), ("delete_removed", 0)],
)
def test_a_killed_command_leaves_artifacts_whole_or_pruned(
    pipeline_toy: PipelineToy, place: str, calls: int
) -> None:
    store = make_run(pipeline_toy, 1)
    command = [sys.executable, "-c", _PRUNER, str(store.root), place, str(calls)]
    done = subprocess.run(command, check=False, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    report = verify_store(store, "deep")
    assert report.damaged == report.untracked_files == []
    with pipeline_toy.open(pipeline_toy.request("bpe.seed=1"), STAGES) as run:
        statuses = {run.build(node).status for node in run.selected}
    assert statuses <= {"cached", "pruned"}
    prune(store)
    assert verify_store(store, "deep").pruned == 3
    left = {
        entry.name
        for stage in ("read", "join")
        for entry in walk_real(store.root / "artifacts" / stage)
        if entry.is_file()
    }
    assert left == {"manifest.json", "run.json", "pruned.json"}
    assert not list((store.root / "removed").iterdir())
    # All of it comes back, with the same digests.
    stages = (*STAGES[:2], replace(PIPELINE_LAST, version=2))
    with pipeline_toy.open(pipeline_toy.request("bpe.seed=1"), stages) as run:
        assert {run.build(node).status for node in run.selected} == {"built"}
    assert verify_store(store, "deep").pruned == 0


_BUILDER = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.pipeline.test_prune import STAGES
from tests.pipeline.toy import PIPELINE_LAST, PipelineToy
from xlm.pipeline.run_record import begin_run_record, write_run_record
from xlm.processes.pool.executor import worker_pool
root = Path(sys.argv[1])
if __name__ == "__main__":
    with worker_pool(1, root / "tools") as pool:
        toy = PipelineToy(root, pool)
        for number in range(10):
            stages = (*STAGES[:2], replace(PIPELINE_LAST, version=1 + number // 2))
            with toy.open(toy.request(), stages) as run:
                record = begin_run_record(run)
                for node in run.selected:
                    run.build(node)
                for built in run.results.values():
                    assert built.status in ("built", "cached", "pruned", "waited")
                write_run_record(run, record)
            print("run", number, flush=True)
"""


def test_runs_go_on_while_artifacts_are_pruned(tmp_path: Path) -> None:
    root, script = tmp_path / "data", tmp_path / "builder.py"
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
    pruned = 0
    while builder.poll() is None:
        # For the first version of `last`, all is finished; the runs build other versions of it.
        pruned += len(prune(store).artifacts)
    printed = first + builder.stdout.read()
    builder.stdout.close()
    assert builder.returncode == 0, printed
    assert sum(line.startswith("run ") for line in printed.splitlines()) == 10, printed
    assert pruned
    assert verify_store(store, "deep").damaged == []
