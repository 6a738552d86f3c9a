"""A stop signal to one process: all stop at the same update, with few exchanges."""

import multiprocessing
import os
import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from xlm.training.launch.distributed import ProcessGroup
from xlm.training.launch.stop import StopRequests

CPU = torch.device("cpu")
_FORKS = multiprocessing.get_context("forkserver")
_UPDATE_SECONDS = {0: 0.02, 1: 0.05}
"""The second process is the slow one."""


def _train(
    rank: int, meeting: Path, signal_at: int, ends: "multiprocessing.SimpleQueue[object]"
) -> None:
    store = dist.FileStore(str(meeting), 2)
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    dist.init_process_group(
        "gloo", store=store, rank=rank, world_size=2, timeout=timedelta(seconds=30)
    )
    requests = StopRequests(ProcessGroup(rank, 2, CPU))
    requests.listen()
    update, signalled = 0, 0.0
    while True:
        time.sleep(_UPDATE_SECONDS[rank])
        update += 1
        if rank == 1 and update == signal_at:
            os.kill(os.getpid(), signal.SIGUSR1)
            signalled = time.monotonic()
        if requests.should_stop():
            break
        assert update < 1000
    ends.put((rank, update, time.monotonic() - signalled))
    dist.destroy_process_group()


@pytest.mark.slow
def test_all_processes_stop_at_the_same_update(tmp_path: Path) -> None:
    ends = _FORKS.SimpleQueue()
    processes = [
        _FORKS.Process(target=_train, args=(rank, tmp_path / "meeting", 30, ends))
        for rank in (0, 1)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    stopped = sorted(ends.get() for _ in processes)
    assert stopped[0][1] == stopped[1][1]
    # They exchange requests once a second of the slower process: about every 20 updates.
    assert 30 < stopped[1][1] <= 60
    assert stopped[1][2] < 5


def test_a_single_process_stops_at_once() -> None:
    requests = StopRequests(ProcessGroup(0, 1, CPU))
    requests.listen()
    assert not requests.should_stop()
    os.kill(os.getpid(), signal.SIGTERM)
    assert requests.should_stop()


@pytest.mark.parametrize(("update_seconds", "exchanges"), [(0.001, (1, 9)), (2.0, (120, 120))])
def test_short_updates_exchange_seldom_and_long_ones_every_time(
    update_seconds: float, exchanges: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With updates of ten minutes, 64 of them between exchanges would take ten hours."""
    now, exchanged = [0.0], []

    def gather(group: ProcessGroup, values: torch.Tensor) -> list[torch.Tensor]:
        exchanged.append(values)
        return [values, values]

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(ProcessGroup, "gather", gather)
    requests = StopRequests(ProcessGroup(0, 2, CPU))
    for _ in range(120):
        now[0] += update_seconds
        assert not requests.should_stop()
    least, most = exchanges
    assert least <= len(exchanged) <= most
