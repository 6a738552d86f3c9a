"""All workers of a run are killed, and others join later."""

from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cluster.dask import items
from tests.cluster.dask.conftest import OpenExecutor
from tests.cluster.dask.dask_processes import DaskProcesses
from tests.cluster.dask.items import marks
from tests.waiting import PATIENCE_SECONDS, wait_until
from xlm.cluster.dask import executor as executor_module
from xlm.cluster.dask.executor import DaskExecutor
from xlm.errors import ClusterError

pytestmark = [pytest.mark.fault, pytest.mark.slow]

_WAITING = 5
"""The item that waits until something ends it."""


def _kill_workers(cluster: DaskProcesses, executor: DaskExecutor) -> None:
    for worker in cluster.workers:
        worker.kill()
    wait_until(lambda: executor._workers == 0, "the workers are still known")


def test_items_that_found_no_worker_run_on_one_that_joins_later(
    cluster: DaskProcesses, opened: OpenExecutor, tmp_path: Path
) -> None:
    """They do not count as items that ended their process: these run one at a time."""
    with opened(cluster) as executor, ThreadPoolExecutor(1) as thread:
        running = executor.submit(items.leave_mark, (tmp_path, _WAITING))
        wait_until(lambda: marks(tmp_path, _WAITING), "the item has not begun")
        _kill_workers(cluster, executor)
        waiting = [executor.submit(items.double, number) for number in range(4)]
        alone = thread.submit(executor.run_alone, items.double, 4)
        wait_until(lambda: len(executor._waiting) == 6, "not all items are sent")
        cluster.add_worker()
        doubled = [future.result(PATIENCE_SECONDS) for future in (*waiting, alone)]
        assert doubled == [0, 2, 4, 6, 8]
        assert running.result(PATIENCE_SECONDS) == _WAITING
        assert not executor._waiting
    assert len(marks(tmp_path, _WAITING)) == 2


def test_an_item_alone_without_a_worker_ends_with_the_reason(
    cluster: DaskProcesses, opened: OpenExecutor
) -> None:
    with opened(cluster) as executor:
        _kill_workers(cluster, executor)
        executor._worker_seconds = 1
        with pytest.raises(ClusterError, match=r"had no worker for \d+ s; start workers"):
            executor.run_alone(items.double, 4)


def test_an_item_that_kills_each_worker_is_not_sent_without_end(
    tmp_path: Path, opened: OpenExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor_module, "_SENDS", 2)
    cluster = DaskProcesses(tmp_path / "cluster", workers=1)
    try:
        with opened(cluster) as executor:
            future = executor.submit(items.kill_worker, 1)
            for _ in range(2):
                wait_until(lambda: cluster.workers[-1].poll() is not None, "the worker lives")
                cluster.workers.append(cluster.add_worker())
            with pytest.raises(BrokenExecutor, match="workers of an item were lost several times"):
                future.result(PATIENCE_SECONDS)
            assert executor.submit(items.double, 4).result(PATIENCE_SECONDS) == 8
    finally:
        cluster.close()
