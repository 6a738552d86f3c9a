"""A driver is killed while its child processes still write: the next builder waits for them."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from xlm.store.disk import locks
from xlm.store.disk.locks import build_lock, wait_for_writers, writing

_TRAINER = """
import os, signal, sys, time
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)  # like a trainer that saves its state
with open(sys.argv[1], "w") as file:
    file.write(str(os.getpid()))
time.sleep(600)
"""
_DRIVER = """
import sys
from pathlib import Path
from xlm.processes.programs import run_process
from xlm.store.disk.locks import build_lock
root, trainer = Path(sys.argv[1]), sys.argv[2]
with build_lock(root / "locks", "pretrain.key"):
    run_process([sys.executable, "-c", trainer, str(root / "pid")], log_path=root / "log")
"""
_WRITER = """
import sys, time
from pathlib import Path
from xlm.store.disk.locks import writing
with writing(Path(sys.argv[1])):
    print("writes", flush=True)
    time.sleep(600)
"""


def _wait_for_number(path: Path) -> int:
    deadline = time.monotonic() + 60
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return int(path.read_text())


def _is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.slow
def test_a_stopped_trainer_keeps_the_lock_of_its_killed_driver(tmp_path: Path) -> None:
    """The lock once ended with the driver, and a second trainer started next to the first."""
    driver = subprocess.Popen([sys.executable, "-c", _DRIVER, str(tmp_path), _TRAINER])
    trainer = _wait_for_number(tmp_path / "pid")
    try:
        os.kill(trainer, signal.SIGSTOP)
        driver.kill()
        driver.wait()
        assert _is_alive(trainer)
        lines: list[str] = []
        with build_lock(tmp_path / "locks", "pretrain.key", report=lines.append) as waited:
            assert waited
            assert not _is_alive(trainer)
    finally:
        if _is_alive(trainer):
            os.kill(trainer, signal.SIGKILL)
    assert f"process {trainer} (" in lines[0]
    assert ", since 20" in lines[0]


def test_a_builder_waits_for_a_writing_worker(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "key.writers"
    path.parent.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE
    ) as worker:
        assert worker.stdout is not None
        worker.stdout.readline()
        os.kill(worker.pid, signal.SIGSTOP)
        os.waitpid(worker.pid, os.WUNTRACED)  # wait until it has stopped
        lines: list[str] = []

        def report(line: str) -> None:
            lines.append(line)
            worker.kill()  # SIGKILL ends a stopped process, and the kernel releases its lock

        wait_for_writers(path, lambda: None, report)
    assert lines[0].startswith(f"waiting for process {worker.pid} (")
    assert "stopped: continue it with `kill -CONT`" in lines[0]


def test_workers_of_one_run_write_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "key.writers"
    with writing(path), writing(path):
        waited = threading.Event()
        thread = threading.Thread(
            target=lambda: (wait_for_writers(path, lambda: None), waited.set())
        )
        thread.start()
        assert not waited.wait(0.3)
    thread.join(30)
    assert waited.is_set()


def test_a_waiting_builder_reports_the_holder_repeatedly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "_REPEAT_SECONDS", 0.2)
    lines: list[str] = []
    release = threading.Event()
    held = threading.Event()

    def hold() -> None:
        with build_lock(tmp_path, "key"):
            held.set()
            release.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()

    def report(line: str) -> None:
        lines.append(line)
        if len(lines) == 2:
            release.set()

    with build_lock(tmp_path, "key", report=report) as waited:
        assert waited
    thread.join()
    assert len(lines) >= 2
    assert lines[0].startswith("waiting for another part of this run, since 20")
