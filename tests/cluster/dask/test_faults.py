"""Workers, the scheduler and the driver are killed in the middle of an item."""

import logging
import os
import signal
import subprocess
import sys
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cluster.dask import items
from tests.cluster.dask.conftest import OpenExecutor
from tests.cluster.dask.dask_processes import DaskProcesses, is_running
from tests.cluster.dask.items import marks
from tests.repository import REPOSITORY
from tests.waiting import PATIENCE_SECONDS, wait_until
from xlm.cluster.dask.executor import DaskExecutor
from xlm.cluster.dask.probe import open_probe
from xlm.engine.building.mapper import ExecutorMapper, Usage
from xlm.errors import ClusterError, ToolError
from xlm.store.file_jobs import FileJob, map_files
from xlm.store.store import ArtifactStore

pytestmark = [pytest.mark.fault, pytest.mark.slow]

_ITEMS = 12
_WAITING = 5
"""The item that waits until something ends it."""


def _jobs(tmp_path: Path) -> list[FileJob]:
    options = {"marks": str(tmp_path)}
    return [
        FileJob(
            f"job.{number}",
            (),
            (tmp_path / "out" / f"{number}.txt",),
            {**options, "number": number},
        )
        for number in range(_ITEMS)
    ]


def _write_files(executor: DaskExecutor, tmp_path: Path) -> list[dict[str, int]]:
    mapper = ExecutorMapper(executor, Usage(), tmp_path / "store" / "locks" / "writers.lock")
    return map_files(mapper, tmp_path / "scratch" / "records", items.write_number, _jobs(tmp_path))


def _wait_for_the_item(tmp_path: Path) -> tuple[int, int]:
    """Wait until all others are done and one waits; returns its process and its worker."""
    wait_until(lambda: len(marks(tmp_path, _WAITING)) == 1, "the item has not begun")
    return marks(tmp_path, _WAITING)[0]


def test_a_killed_worker_costs_the_item_it_was_running(
    cluster: DaskProcesses, opened: OpenExecutor, tmp_path: Path
) -> None:
    with opened(cluster) as executor, ThreadPoolExecutor(1) as thread:
        written = thread.submit(_write_files, executor, tmp_path)
        child, worker = _wait_for_the_item(tmp_path)
        # The other worker goes on with its items meanwhile.
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: not is_running(child), "the child outlives its worker")
        assert written.result() == [{"number": number} for number in range(_ITEMS)]
    begun = {number: len(marks(tmp_path, number)) for number in range(_ITEMS)}
    assert begun == {number: 2 if number == _WAITING else 1 for number in range(_ITEMS)}
    texts = [(tmp_path / "out" / f"{number}.txt").read_text() for number in range(_ITEMS)]
    assert texts == [f"{number}\n" for number in range(_ITEMS)]


def test_after_the_death_of_the_scheduler_a_rerun_continues(
    cluster: DaskProcesses, opened: OpenExecutor, tmp_path: Path
) -> None:
    with opened(cluster) as executor, ThreadPoolExecutor(1) as thread:
        written = thread.submit(_write_files, executor, tmp_path)
        child, _ = _wait_for_the_item(tmp_path)
        records = tmp_path / "scratch" / "records"
        wait_until(lambda: len(list(records.glob("*.json"))) >= 4, "the other items are not done")
        cluster.scheduler.kill()
        with pytest.raises(ClusterError, match=r"scheduler at tcp://.* was lost; start it again"):
            written.result()
        with pytest.raises(ClusterError, match="was lost"):
            executor.submit(items.double, 1)
        wait_until(lambda: not is_running(child), "the child runs on")
    done = {path.stem.removeprefix("job.") for path in records.glob("*.json")}
    again = DaskProcesses(tmp_path / "again")
    try:
        with opened(again) as executor:
            assert _write_files(executor, tmp_path) == [{"number": n} for n in range(_ITEMS)]
    finally:
        again.close()
    assert all(len(marks(tmp_path, int(number))) == 1 for number in done)
    assert str(_WAITING) not in done


def test_an_interrupt_ends_the_items_and_not_the_workers(
    shared: DaskProcesses, opened: OpenExecutor, tmp_path: Path
) -> None:
    with opened(shared) as executor, ThreadPoolExecutor(1) as thread:
        written = thread.submit(_write_files, executor, tmp_path)
        child, _ = _wait_for_the_item(tmp_path)
        executor.interrupt()
        with pytest.raises(ToolError):
            written.result()
        wait_until(lambda: not is_running(child), "the child runs on")
    assert all(worker.poll() is None for worker in shared.workers)
    wait_until(lambda: not _children_of(shared), "children are left")


def test_a_result_that_nobody_wants_any_more_is_not_computed(
    shared: DaskProcesses, opened: OpenExecutor, tmp_path: Path
) -> None:
    with opened(shared) as executor:
        future = executor.submit(items.leave_mark, (tmp_path, _WAITING))
        child, _ = _wait_for_the_item(tmp_path)
        assert future.cancel()
        wait_until(lambda: not is_running(child), "the child runs on")
        assert executor.submit(items.double, 4).result() == 8


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_items_end_with_their_driver(
    shared: DaskProcesses, tmp_path: Path, number: signal.Signals
) -> None:
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from tests.cluster.dask import items\n"
        "from xlm.cluster.dask.opening import open_dask\n"
        "from xlm.config.compute import DaskConfig\n"
        "from xlm.config.launcher.launcher import LauncherConfig\n"
        "from xlm.store.store import ArtifactStore\n"
        "store, settings = ArtifactStore.open(sys.argv[1]), DaskConfig(address=sys.argv[2])\n"
        "with open_dask(store, settings, LauncherConfig()) as executor:\n"
        f"    executor.submit(items.leave_mark, (Path(sys.argv[3]), {_WAITING})).result()\n"
    )
    driver = subprocess.Popen(
        [
            *("env", "--default-signal=INT", sys.executable, "-c", program),
            *(str(tmp_path / "store"), shared.address, str(tmp_path)),
        ],
        cwd=REPOSITORY, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        child, _ = _wait_for_the_item(tmp_path)
        driver.send_signal(number)
        driver.wait(120)
        wait_until(lambda: not is_running(child), "the child outlives its driver")
        wait_until(lambda: not _children_of(shared), "children are left")
    finally:
        driver.kill()
    assert all(worker.poll() is None for worker in shared.workers)


def test_workers_that_see_the_lock_free_get_no_more_items(
    cluster: DaskProcesses,
    opened: OpenExecutor,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A file system may lose a lock while the driver lives."""
    with caplog.at_level(logging.WARNING), opened(cluster) as executor:
        running = executor.submit(items.leave_mark, (tmp_path, _WAITING))
        _wait_for_the_item(tmp_path)
        (lock,) = (tmp_path / "store" / "cache" / "dask").glob("*/driver")
        aside = lock.with_name("aside")
        lock.rename(aside)
        lock.write_bytes(aside.read_bytes())
        wait_until(
            lambda: sum("does not hold its lock" in line for line in caplog.messages) == 2,
            f"the workers go on: {caplog.messages}",
        )
        with pytest.raises(BrokenExecutor, match="an item ended its process"):
            running.result(PATIENCE_SECONDS)
        aside.replace(lock)
        cluster.add_worker()
        wait_until(lambda: executor._workers == 1, "the third worker offers nothing")
        assert executor.submit(items.double, 4).result(PATIENCE_SECONDS) == 8


def test_a_file_system_that_does_not_answer_does_not_end_a_driver(tmp_path: Path) -> None:
    root = tmp_path / "store"
    with open_probe(ArtifactStore.open(str(root))) as probe:
        assert not probe.driver_has_ended()
        away = root.rename(tmp_path / "away")
        assert not probe.driver_has_ended()
        away.rename(root)
        lock = probe.path.rename(probe.folder / "aside")
        probe.path.symlink_to(lock)
        assert not probe.driver_has_ended()
        probe.path.unlink()
        probe.path.touch()
        assert probe.driver_has_ended()
    assert not probe.folder.exists()
    assert probe.driver_has_ended()


def test_an_item_does_not_begin_when_its_driver_has_ended(
    shared: DaskProcesses, opened: OpenExecutor, tmp_path: Path
) -> None:
    """Another driver may have taken over the folder that it would write to."""
    with opened(shared) as executor:
        lives = executor.driver_lives()
        assert lives()
    assert not lives()


def _children_of(cluster: DaskProcesses) -> list[int]:
    found = []
    for worker in cluster.workers:
        for task in Path(f"/proc/{worker.pid}/task").glob("*/children"):
            found += [int(text) for text in task.read_text().split() if is_running(int(text))]
    return found
