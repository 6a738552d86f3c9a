"""A process that has its answer ends with its own exit code."""

import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = """
import sys, threading, time
from asyncio.selector_events import BaseSelectorEventLoop

wake = BaseSelectorEventLoop._write_to_self

def wake_and_wait(loop):
    # As on a busy machine: the thread that gave the answer is not run again at once.
    wake(loop)
    if threading.current_thread() not in python_threads():
        time.sleep(float(sys.argv[2]))

def python_threads():
    return [one for one in threading.enumerate() if not isinstance(one, threading._DummyThread)]

BaseSelectorEventLoop._write_to_self = wake_and_wait

from xlm.store.remote.client import Client
from xlm.store.remote.connection import connect

url = "file://" + sys.argv[1]
assert Client(connect(url), url).read_small("missing", lambda: None) is None
sys.exit(3)
"""


@pytest.mark.parametrize("seconds", [0.005, 0.02, 0.05, 0.3])
def test_the_process_is_not_aborted_by_a_late_thread(tmp_path: Path, seconds: float) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, tmp_path, str(seconds)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (3, "")
