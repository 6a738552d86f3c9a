"""A worker that dies fails only its own call."""

import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.repository import REPOSITORY
from xlm.engine.building.mapper import ExecutorMapper, Usage
from xlm.errors import DataError, ToolError
from xlm.processes.pool.executor import WorkerPool, worker_pool


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


def _busy(item: int) -> None:
    # One write: `print` may write the newline apart, between the numbers of two workers.
    os.write(sys.stdout.fileno(), f"{os.getpid()}\n".encode())
    while True:
        item += 1


class _OddError(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__("Odd")


def _raise_what_cannot_be_unpickled(item: int) -> None:
    raise _OddError(1, 2)


def _raise_ours(item: int) -> None:
    raise DataError(f"line {item}", fix="repair it")


def _process_number(item: int) -> int:
    return os.getpid()


def _mapped(pool: WorkerPool, function: object, items: list[int]) -> list[int]:
    return list(ExecutorMapper(pool, Usage()).map(function, items))


@pytest.mark.slow
def test_a_call_that_always_kills_its_process_fails_in_one_line(tmp_path: Path) -> None:
    with (
        worker_pool(1, tmp_path) as pool,
        pytest.raises(ToolError, match="died twice on the same item"),
    ):
        _mapped(pool, _die_on_seven, [7])


@pytest.mark.slow
def test_a_worker_that_dies_does_not_affect_other_calls(tmp_path: Path) -> None:
    """Two stages share the pool: the one that kills its process fails, the other finishes."""
    numbers = list(range(10, 40))
    with worker_pool(2, tmp_path) as pool, ThreadPoolExecutor(2) as stages:
        good = stages.submit(_mapped, pool, _double, numbers)
        bad = stages.submit(_mapped, pool, _die_on_seven, [5, 6, 7, 8])
        assert good.result() == [2 * number for number in numbers]
        with pytest.raises(ToolError, match="died twice on the same item"):
            bad.result()
        assert _mapped(pool, _double, [1, 2]) == [2, 4]


@pytest.mark.slow
def test_a_call_whose_worker_died_once_is_repeated(tmp_path: Path) -> None:
    marks = [tmp_path / name for name in ("a", "b", "c")]
    with worker_pool(2, tmp_path) as pool:
        names = list(ExecutorMapper(pool, Usage()).map(_die_the_first_time, marks))
    assert names == ["a", "b", "c"]


@pytest.mark.fault
def test_sigusr1_to_every_process_ends_no_worker(tmp_path: Path) -> None:
    """Slurm may send it to all processes of a job, but only the driver handles it."""
    with worker_pool(1, tmp_path) as pool:
        (worker,) = _mapped(pool, _process_number, [1])
        os.kill(worker, signal.SIGUSR1)
        assert _mapped(pool, _process_number, [1]) == [worker]


@pytest.mark.slow
def test_a_worker_that_died_while_it_was_idle_is_replaced(tmp_path: Path) -> None:
    with worker_pool(1, tmp_path) as pool:
        (worker,) = _mapped(pool, _process_number, [1])
        os.kill(worker, signal.SIGKILL)
        (other,) = _mapped(pool, _process_number, [1])
        assert other != worker


def test_a_value_that_cannot_be_pickled_fails_only_its_call(tmp_path: Path) -> None:
    with worker_pool(1, tmp_path) as pool:
        with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
            _mapped(pool, lambda item: item, [1])
        with pytest.raises(RuntimeError, match="Odd") as caught:
            _mapped(pool, _raise_what_cannot_be_unpickled, [1])
        assert "_raise_what_cannot_be_unpickled" in str(caught.value.__cause__)
        with pytest.raises(DataError, match="line 7; repair it"):
            _mapped(pool, _raise_ours, [7])
        assert _mapped(pool, _double, [1]) == [2]


@pytest.mark.fault
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_an_interrupted_pool_does_not_wait_for_dead_or_stopped_workers(
    tmp_path: Path, number: signal.Signals
) -> None:
    """A killed worker held the lock of a shared event; 7 of 7 tries hung."""
    for _ in range(10):
        workers: list[int] = []

        def interrupted(workers: list[int] = workers) -> None:
            with worker_pool(2, tmp_path) as pool:
                workers += {pool.submit(_process_number, 1).result() for _ in range(20)}
                futures = [pool.submit(_sleep, 1) for _ in range(4)]
                while not futures[0].running():
                    time.sleep(0.001)
                os.kill(workers[0], number)
                raise KeyboardInterrupt

        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert time.monotonic() - began < 10
        assert not [worker for worker in workers if Path(f"/proc/{worker}").exists()]


@pytest.mark.fault
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_workers_die_with_a_killed_driver(tmp_path: Path, number: signal.Signals) -> None:
    """Also workers that compute: one continued for half an hour."""
    root = REPOSITORY
    program = (
        "import sys; from pathlib import Path\n"
        "from tests.processes.pool.test_executor import _busy, _process_number\n"
        "from xlm.processes.pool.executor import worker_pool\n"
        f"with worker_pool(2, Path({str(tmp_path)!r})) as pool:\n"
        "    [pool.submit(_busy, i) for i in range(2)]\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(root)},
        text=True,
    ) as driver:
        assert driver.stdout is not None
        workers = [int(driver.stdout.readline()) for _ in range(2)]
        os.kill(workers[0], number)
        driver.kill()
    deadline = time.monotonic() + 15
    while any(map(_alive, workers)):
        assert time.monotonic() < deadline, workers
        time.sleep(0.02)


def _alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_ctrl_c_does_not_wait_for_workers(tmp_path: Path) -> None:
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
