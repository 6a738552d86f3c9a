"""Locks: one builder at a time, and a killed holder releases its lock."""

import json
import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from xlm.store.disk import locks
from xlm.store.disk.lock_holders import describe_holder
from xlm.store.disk.locks import build_lock, hold_shared


def _hold(directory: Path, ready: Connection) -> None:
    with build_lock(directory, "key"):
        ready.send(True)
        time.sleep(60)


def test_the_second_builder_waits_for_the_first(tmp_path: Path) -> None:
    order: list[str] = []
    inside = threading.Event()

    def first() -> None:
        with build_lock(tmp_path, "key") as waited:
            assert not waited
            inside.set()
            time.sleep(0.1)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    inside.wait()
    with build_lock(tmp_path, "key") as waited:
        order.append("second")
        assert waited
    thread.join()
    assert order == ["first", "second"]


def test_a_killed_process_releases_its_lock(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_hold, args=(tmp_path, there))
    process.start()
    assert here.recv()
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    with build_lock(tmp_path, "key") as waited:
        assert not waited


def test_a_waiting_builder_can_be_interrupted(tmp_path: Path) -> None:
    def interrupted() -> None:
        raise InterruptedError

    with (
        build_lock(tmp_path, "key"),
        pytest.raises(InterruptedError),
        build_lock(tmp_path, "key", interrupted),
    ):
        pass
    with build_lock(tmp_path, "key", interrupted) as waited:
        assert not waited


def test_a_shared_lock_waits_for_an_exclusive_one_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(locks, "_SILENT_SECONDS", 0.0)
    with build_lock(tmp_path, "one"):
        waiting = threading.Thread(target=lambda: os.close(hold_shared(tmp_path / "one.lock")))
        waiting.start()
        while not caplog.records:
            time.sleep(0.01)
        assert "waiting for another part of this run" in caplog.text
        assert waiting.is_alive()
    waiting.join()


def test_a_holder_in_another_pod_is_not_taken_for_this_process(tmp_path: Path) -> None:
    """Processes of two pods have the same small ids."""
    path = tmp_path / "one.lock"
    holder = {"pid": os.getpid(), "host": "pod-1", "since": "2026-11-29T08:00:00+00:00"}
    path.write_text(json.dumps(holder))
    with path.open():
        shown = describe_holder(path)
    assert shown == f"process {os.getpid()} on pod-1, since 2026-11-29T08:00:00+00:00"
