"""One worker's death is its own item's failure, whatever else the pool was doing."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from xlm.errors import ToolError
from xlm.pipeline.mapper import ExecutorMapper, Usage
from xlm.pipeline.pool import WorkerPool, worker_pool


def _double(item: int) -> int:
    time.sleep(0.05)
    return 2 * item


def _die_on_seven(item: int) -> int:
    if item == 7:
        os._exit(9)
    return _double(item)


def _die_the_first_time(mark: Path) -> str:
    if not mark.exists():
        mark.touch()
        os._exit(9)
    return mark.name


def _sleep(item: int) -> None:
    time.sleep(60)


def _process_number(item: int) -> int:
    return os.getpid()


def _mapped(pool: WorkerPool, function: object, items: list[int]) -> list[int]:
    return list(ExecutorMapper(pool, 2, Usage()).map(function, items))


def test_what_always_kills_its_process_fails_in_one_line(tmp_path: Path) -> None:
    with worker_pool(1, tmp_path) as pool, pytest.raises(ToolError, match="died twice over"):
        _mapped(pool, _die_on_seven, [7])


def test_a_death_leaves_the_work_of_others_alone(tmp_path: Path) -> None:
    """Two stages share the pool; the one whose item kills its process fails, the other ends."""
    numbers = list(range(10, 40))
    with worker_pool(2, tmp_path) as pool, ThreadPoolExecutor(2) as stages:
        good = stages.submit(_mapped, pool, _double, numbers)
        bad = stages.submit(_mapped, pool, _die_on_seven, [5, 6, 7, 8])
        assert good.result() == [2 * number for number in numbers]
        with pytest.raises(ToolError, match="died twice over"):
            bad.result()
        assert _mapped(pool, _double, [1, 2]) == [2, 4]


def test_a_chance_death_is_made_good(tmp_path: Path) -> None:
    marks = [tmp_path / name for name in ("a", "b", "c")]
    with worker_pool(2, tmp_path) as pool:
        names = list(ExecutorMapper(pool, 2, Usage()).map(_die_the_first_time, marks))
    assert names == ["a", "b", "c"]


@pytest.mark.fault
def test_sigusr1_to_every_process_ends_no_worker(tmp_path: Path) -> None:
    """Slurm may send it to all of a job, that time is nearly over is the driver's to know."""
    with worker_pool(1, tmp_path) as pool:
        (worker,) = _mapped(pool, _process_number, [1])
        os.kill(worker, signal.SIGUSR1)
        assert _mapped(pool, _process_number, [1]) == [worker]


def test_ctrl_c_waits_for_no_worker(tmp_path: Path) -> None:
    def interrupted_while_a_worker_is_busy() -> None:
        with worker_pool(1, tmp_path) as pool:
            future = pool.submit(_sleep, 1)
            while not future.running():
                time.sleep(0.01)
            raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interrupted_while_a_worker_is_busy()
    assert time.monotonic() - began < 30
