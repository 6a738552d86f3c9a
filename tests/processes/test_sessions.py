"""The time for which the processes of a job ran, over all sessions."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.fakes import FakeClock
from tests.repository import REPOSITORY
from tests.waiting import wait_until
from xlm.processes import sessions
from xlm.processes.sessions import Sessions, read_sessions, recorded_session

_ENDLESS = """
import sys, time
from pathlib import Path
from xlm.processes.sessions import recorded_session
with recorded_session(Path(sys.argv[1])):
    time.sleep(1000)
"""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    clock = FakeClock()
    monkeypatch.setattr(sessions, "time", clock)
    return clock


def test_sessions_add_up_and_the_time_between_them_does_not_count(
    tmp_path: Path, clock: FakeClock
) -> None:
    job = tmp_path / "job.json"
    assert read_sessions(job) == Sessions()
    for seconds in (36_000, 20):
        with recorded_session(job):
            clock.sleep(seconds)
        clock.sleep(10 * 3600)
    found = read_sessions(job)
    assert found.process_seconds == 36_020
    assert found.cpu_seconds > 0


def test_an_error_ends_a_session_too(tmp_path: Path, clock: FakeClock) -> None:
    job = tmp_path / "job.json"
    clock.after(7, lambda: {}["missing"])
    with pytest.raises(KeyError), recorded_session(job):
        clock.sleep(7)
    assert read_sessions(job).process_seconds == 7


@pytest.mark.fault
def test_the_time_of_a_killed_process_stays(tmp_path: Path) -> None:
    job = tmp_path / "job.json"
    process = subprocess.Popen([sys.executable, "-c", _ENDLESS, str(job)], cwd=REPOSITORY)
    try:
        wait_until(lambda: read_sessions(job).process_seconds >= 1, "nothing was recorded")
    finally:
        process.kill()
    assert process.wait() == -signal.SIGKILL
    killed = read_sessions(job).process_seconds
    with recorded_session(job):
        pass
    (first, second) = sorted(
        json.loads(path.read_text())["process_seconds"]
        for path in (tmp_path / "job.sessions").glob("*.json")
    )
    assert second == killed
    assert read_sessions(job).process_seconds == pytest.approx(first + killed)


def test_a_removed_folder_does_not_come_back(tmp_path: Path) -> None:
    job = tmp_path / "scratch" / "job.json"
    job.parent.mkdir()
    with recorded_session(job):
        shutil.rmtree(job.parent)
    assert not job.parent.exists()


def test_what_cannot_be_written_or_read_does_not_count(tmp_path: Path, clock: FakeClock) -> None:
    job = tmp_path / "job.json"
    (tmp_path / "job.sessions").touch()
    with recorded_session(job):
        clock.sleep(1)
    assert read_sessions(job) == Sessions()
    (tmp_path / "job.sessions").unlink()
    with recorded_session(job):
        clock.sleep(5)
    for number, text in enumerate(("", "[]", '{"process_seconds": 9}')):
        (tmp_path / "job.sessions" / f"{number}.json").write_text(text)
    assert read_sessions(job).process_seconds == 5
