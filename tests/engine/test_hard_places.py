"""Full disks, stores of other users, unusual roots, and runs that wait for another run."""

import contextlib
import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.toy import ALL_CACHED, JOIN, JoinSlice, Recorder, Toy
from tests.repository import REPOSITORY
from xlm.engine.stage import Node, StageContext, StageResult
from xlm.errors import ConfigError, StoreError
from xlm.processes.pool.executor import WorkerPool
from xlm.store.cleaning.garbage import Needed, Root, collect_garbage
from xlm.store.store import ArtifactStore

JOINED = Node("join", "all")


@pytest.mark.slow
def test_only_and_until_take_nodes(toy: Toy) -> None:
    assert toy.run(only=("read[sw]",)) == {"read[sw]": "built"}
    assert toy.run(until="read[en]") == {"read[en]": "built"}
    assert toy.run(only=("read[sw]", "read[en]")) == {"read[en]": "cached", "read[sw]": "cached"}
    with pytest.raises(ConfigError, match=r"no stage or node 'read\[ws\]'; did you mean"):
        toy.run(only=("read[ws]",))
    with pytest.raises(ConfigError, match=r"no stage or node 'read\[ws\]'"):
        toy.run(until="read[ws]")


def test_a_refresh_reports_whether_the_bytes_are_the_same(toy: Toy) -> None:
    toy.run()
    number = iter(range(9))

    def differ(context: StageContext[JoinSlice]) -> StageResult:
        (context.out / "joined.txt").write_text(str(next(number)))
        return StageResult()

    def verdicts() -> list[str]:
        recorder = Recorder()
        toy.run(recorder, refresh=("join",))
        return recorder.notices

    (line,) = verdicts()
    assert line.startswith("join: rebuilt: identical, digest ")
    toy.with_stage("join", run=differ)
    (line,) = verdicts()
    assert line.startswith("join: rebuilt: different, digest ")


def test_a_run_that_waits_for_another_reports_it(toy: Toy) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def join_slowly(context: StageContext[JoinSlice]) -> StageResult:
        inside.set()
        go_on.wait(60)
        return JOIN.run(context)

    toy.run(only=("read",))
    toy.with_stage("join", run=join_slowly)

    class Releasing(Recorder):
        def noticed(self, node: Node, line: str) -> None:
            super().noticed(node, line)
            go_on.set()

    recorder = Releasing()
    with toy.open() as first, toy.open(recorder) as second:
        thread = threading.Thread(target=first.build, args=(JOINED,))
        thread.start()
        assert inside.wait(60)
        assert second.build(JOINED).status == "waited"
        thread.join()
    assert recorder.notices[0].startswith("join: waiting for another part of this run, since 20")


@pytest.mark.parametrize("name", ["50% of it", "a#b?c=d", 'it\'s "quoted"', "ünï code", "%2F%s"])
def test_a_root_may_have_any_name(tmp_path: Path, pool: WorkerPool, name: str) -> None:
    toy = Toy(tmp_path / name, pool)
    assert set(toy.run().values()) == {"built"}
    assert set(toy.run(verify="deep").values()) == {"cached"}
    assert ArtifactStore.open(str(toy.root)).root == tmp_path / name


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted: {mounted.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while stream.write(b"x" * 4096):
            pass


def test_a_disk_that_fills_and_is_freed(small_disk: Path, pool: WorkerPool) -> None:
    toy = Toy(small_disk / "data", pool)
    toy.run(only=("read",))
    ballast = small_disk / "ballast"
    _fill(ballast)
    with toy.open() as run:
        for node in run.selected[:2]:
            run.build(node)
        with pytest.raises((OSError, StoreError)) as caught:
            run.build(JOINED)
    full = isinstance(caught.value, OSError) and caught.value.errno == errno.ENOSPC
    assert full or "No space left" in str(caught.value)
    assert "full" in run.failures[JOINED] or "No space left" in run.failures[JOINED]
    assert "\n" not in run.failures[JOINED]
    ballast.unlink()
    assert toy.run() == ALL_CACHED | {"join": "built", "last": "built"}
    assert set(toy.run(verify="deep").values()) == {"cached"}


def test_garbage_is_removed_from_a_full_disk(small_disk: Path, pool: WorkerPool) -> None:
    toy = Toy(small_disk / "data", pool)
    toy.run(seed=1)
    toy.run(seed=2)
    _fill(small_disk / "ballast")
    with toy.open(seed=2) as run:
        key = run.locate(JOINED).manifest.key
    store = ArtifactStore.open(str(toy.root))
    needed = Needed(frozenset({Root("join", key)}))
    removed = collect_garbage(store, lambda: needed).artifacts
    assert sorted(one.stage for one in removed) == ["join", "last"]
    (small_disk / "ballast").unlink()
    assert toy.run(seed=2) == ALL_CACHED | {"last": "built"}


_AS_NOBODY = """
import os, sys
from fsspec.implementations import local
from xlm.errors import XlmError
from xlm.store.cleaning.garbage import Needed, Root, collect_garbage
from xlm.store.store import ArtifactStore
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    store = ArtifactStore.open(sys.argv[1], write=sys.argv[2] == "write")
    print(store.find("read", "k" * 24), len(list(store.artifacts())))
    with store.lock("read", "k" * 24):
        store.open_staging("read", "k" * 24)
except XlmError as error:
    sys.exit(f"xlm: {error}")
"""


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(
    ("place", "mode"), [(".", 0o755), (".", 0o700), ("locks", 0o700), ("artifacts", 0o700)]
)
@pytest.mark.usefixtures("open_path")
def test_a_store_of_another_user_is_refused_in_one_line(toy: Toy, place: str, mode: int) -> None:
    toy.run()
    root = toy.root
    root.chmod(0o777)
    for folder in ("staging", "locks", "artifacts"):
        (root / folder).mkdir(exist_ok=True)
        (root / folder).chmod(0o777)
    (root / place).chmod(mode)
    done = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, str(root), "write"],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    (line,) = done.stderr.strip().split("\n")
    assert line.startswith("xlm: ")
    assert str(root) in line
