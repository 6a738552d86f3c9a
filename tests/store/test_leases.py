"""Leases: what a living process holds, what a killed one held, and how they exclude removals."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.repository import REPOSITORY
from xlm.store.disk.locks import is_locked
from xlm.store.leases import (
    Lease,
    is_live,
    keys_of,
    lease_names,
    leased,
    live_keys,
    removing,
)

_HOLDER = """
import sys, time
from pathlib import Path
from xlm.store.leases import leased
with leased(Path(sys.argv[1]), "killed") as lease:
    lease.hold("tokenize", "a" * 24)
    print("held", flush=True)
    time.sleep(600)
"""


def test_keys_are_live_until_the_lease_ends(tmp_path: Path) -> None:
    assert live_keys(tmp_path) == frozenset()
    with leased(tmp_path, "one") as lease:
        lease.hold("tokenize", "a" * 24)
        lease.hold("tokenize", "a" * 24)
        lease.hold("shard", "b" * 24)
        found = {("tokenize", "a" * 24), ("shard", "b" * 24)}
        assert live_keys(tmp_path) == lease.keys() == keys_of(tmp_path, "one") == found
        assert is_live(tmp_path, "one")
        assert lease_names(tmp_path) == ["one"]
    assert lease_names(tmp_path) == []
    assert not is_live(tmp_path, "one")


@pytest.mark.fault
def test_a_killed_process_leaves_its_keys_but_holds_none(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert live_keys(tmp_path) == {("tokenize", "a" * 24)}
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    assert live_keys(tmp_path) == frozenset()
    assert keys_of(tmp_path, "killed") == {("tokenize", "a" * 24)}


def test_a_new_key_waits_for_a_removal(tmp_path: Path) -> None:
    with leased(tmp_path, "one") as lease:
        with removing(tmp_path):
            waiting = threading.Thread(target=lease.hold, args=("shard", "b" * 24))
            waiting.start()
            waiting.join(0.2)
            assert waiting.is_alive()
            assert live_keys(tmp_path) == frozenset()
        waiting.join()
        assert live_keys(tmp_path) == {("shard", "b" * 24)}


def test_a_lease_that_cannot_be_written_forbids_removals(tmp_path: Path) -> None:
    gate = tmp_path / "locks" / "removal.lock"
    with leased(tmp_path, "one"):
        lease = Lease(tmp_path, "full", os.open("/dev/full", os.O_WRONLY))
        lease.hold("shard", "b" * 24)
        assert is_locked(gate, shared=True)
        assert not is_locked(gate)
        lease.close()
        assert not is_locked(gate, shared=True)
