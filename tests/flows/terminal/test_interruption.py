"""An interrupted run ends in time: computations are cut off, but state is saved."""

import subprocess
import sys

import pytest

from tests.repository import REPOSITORY
from xlm.errors import RequeueError

_STUBBORN = """
import os, signal, sys, time
from flows.terminal import interruption as module
from xlm.engine.events import Finished
from xlm.engine.stage import ALL, Node

module._SAVE_SECONDS = module._REST_SECONDS = 0.1
interruption = module.Interruption(save_seconds=float(sys.argv[1]))
interruption.listen()
try:
    os.kill(os.getpid(), signal.SIGUSR1)
    time.sleep(20)
except KeyboardInterrupt as interrupt:
    os.kill(os.getpid(), signal.SIGTERM)  # a second signal changes nothing
    time.sleep(1)
    interruption.finished(Finished(Node("pretrain", ALL), "failed", saved=True))
    sys.exit(interruption.exit_code(interrupt))
"""


@pytest.mark.fault
@pytest.mark.parametrize(("save_seconds", "code"), [(0.1, 138), (60, RequeueError.exit_code)])
def test_training_gets_its_time_to_save_the_state(save_seconds: float, code: int) -> None:
    """A run ended after 45 s, but training may take 110 s; Slurm then killed the training."""
    done = subprocess.run(
        [sys.executable, "-c", _STUBBORN, str(save_seconds)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (code, "")


_PRESSED = """
import os, signal, sys, time
from flows.terminal.interruption import Interruption

interruption = Interruption()
interruption.listen()
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt as interrupt:
    for _ in range(int(sys.argv[1]) - 1):
        signal.raise_signal(signal.SIGINT)
    print("saved", flush=True)
    sys.exit(interruption.exit_code(interrupt))
"""


@pytest.mark.fault
@pytest.mark.parametrize(("times", "printed"), [(1, "saved\n"), (2, "saved\n"), (3, ""), (4, "")])
def test_the_third_ctrl_c_exits_at_once_without_a_traceback(times: int, printed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PRESSED, str(times)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (130, printed)
    hint = "xlm: saving unfinished work; press Ctrl-C again to exit without saving\n"
    assert done.stderr == (hint if times > 1 else "")


_HANGUP = """
import signal, time
from flows.terminal.interruption import Interruption

interruption = Interruption()
interruption.listen()
try:
    signal.raise_signal(signal.SIGHUP)
    print("ignored")
except KeyboardInterrupt as interrupt:
    print("exit code", interruption.exit_code(interrupt))
"""


@pytest.mark.parametrize(("nohup", "printed"), [(False, "exit code 129\n"), (True, "ignored\n")])
def test_a_hangup_ends_a_run_unless_nohup_started_it(nohup: bool, printed: str) -> None:
    done = subprocess.run(
        [*(["nohup"] if nohup else []), sys.executable, "-c", _HANGUP],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == printed


_WITH_A_JOB = """
import signal, sys, time
from flows.terminal import interruption as module
from xlm.processes.lasting import lasting_job

def wait():
    with lasting_job("xlm-pretrain-1") as job:
        try:
            signal.raise_signal(getattr(signal, sys.argv[1]))
        finally:
            job.ask_to_end()
            asked = not job.is_left
            for _ in range(int(sys.argv[2]) - 1):
                signal.raise_signal(signal.SIGINT)
            print("asked" if asked else "not asked", end=" ")
            print("cancelled" if job.is_cancelled else "goes on")
            while not job.is_left and not job.is_cancelled:
                time.sleep(0.01)
            if job.is_left:
                job.note_left()

interruption = module.Interruption()
interruption.listen()
try:
    wait()
except KeyboardInterrupt as interrupt:
    print(interruption.last_line())
    sys.exit(interruption.exit_code(interrupt))
"""


_GOES_ON = "interrupted; xlm-pretrain-1 goes on, and the same command waits for it"


@pytest.mark.fault
@pytest.mark.parametrize(
    ("name", "times", "printed", "code"),
    [
        ("SIGINT", 1, f"asked goes on\n{_GOES_ON}\n", 130),
        ("SIGINT", 2, "asked cancelled\ninterrupted; the same command continues from here\n", 130),
        ("SIGINT", 3, "", 130),
        ("SIGTERM", 1, f"not asked goes on\n{_GOES_ON}\n", 143),
        ("SIGHUP", 1, f"not asked goes on\n{_GOES_ON}\n", 129),
    ],
)
def test_only_a_second_ctrl_c_cancels_a_job(name: str, times: int, printed: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITH_A_JOB, name, str(times)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, printed)
    question = "xlm: xlm-pretrain-1 goes on; press Ctrl-C again within 10 s to cancel it\n"
    answer = "xlm: cancelling xlm-pretrain-1\n"
    assert done.stderr == question * (name == "SIGINT") + answer * (times > 1)
