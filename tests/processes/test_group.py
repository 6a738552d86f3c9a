"""Programs that other threads started are ended together."""

import sys
import threading
import time
from pathlib import Path

import pytest

from xlm.errors import ToolError
from xlm.processes.group import ProgramGroup
from xlm.processes.programs import run_process

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]


def test_a_program_of_another_thread_is_ended(tmp_path: Path) -> None:
    programs = ProgramGroup()
    up = threading.Event()
    errors: list[str] = []

    def context() -> None:
        with programs.collecting(), pytest.raises(ToolError) as caught:
            run_process(SLEEP, log_path=tmp_path / "log", on_line=lambda line: up.set())
        errors.append(str(caught.value))

    thread = threading.Thread(target=context)
    thread.start()
    assert up.wait(60)
    programs.end()
    thread.join(60)
    assert "ended with status -" in errors[0]


def test_a_program_that_starts_too_late_ends_at_once(tmp_path: Path) -> None:
    programs = ProgramGroup()
    programs.end()
    began = time.monotonic()
    with programs.collecting(), pytest.raises(ToolError, match="ended with status"):
        run_process(SLEEP, log_path=tmp_path / "log")
    assert time.monotonic() - began < 10


def test_programs_outside_of_the_group_continue(tmp_path: Path) -> None:
    programs = ProgramGroup()
    with programs.collecting():
        run_process([sys.executable, "-c", ""], log_path=tmp_path / "log")
    programs.end()
    after = run_process([sys.executable, "-c", ""], log_path=tmp_path / "log")
    assert after.returncode == 0
