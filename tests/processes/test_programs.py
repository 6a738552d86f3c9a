"""Programs under the guard: their cost, their failures, and that they never outlive us."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.repository import REPOSITORY
from xlm.errors import ToolError
from xlm.processes.programs import capture_process, run_process, stream_process

PYTHON = sys.executable


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def _wait_for(condition: object, seconds: float = 60.0) -> bool:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_output_and_cost_are_reported(tmp_path: Path) -> None:
    lines: list[str] = []
    code = "x = bytearray(60_000_000); print('héllo'); print('two'); sum(range(3_000_000))"
    result = run_process([PYTHON, "-c", code], log_path=tmp_path / "log", on_line=lines.append)
    assert result.returncode == 0
    assert lines == ["héllo", "two"]
    assert result.peak_memory_bytes > 60_000_000
    assert result.cpu_seconds > 0.01


def test_the_peak_is_the_program_s_and_not_ours(tmp_path: Path) -> None:
    """Exec keeps the peak memory of the process that forked, so the kernel reports ours for all."""
    ours = bytearray(100_000_000)
    ours[::4096] = b"x" * len(ours[::4096])
    result = run_process(["/bin/true"], log_path=tmp_path / "log")
    assert 0 < result.peak_memory_bytes < 50_000_000
    assert result.measured()["peak_memory_bytes"] == result.peak_memory_bytes


def test_lines_are_streamed_as_they_come_and_errors_logged(tmp_path: Path) -> None:
    lines: list[bytes] = []

    def take(line: bytes) -> bool:
        lines.append(line)
        return True

    code = "import sys; print('one'); print('two'); sys.stderr.write('why'); sys.exit(4)"
    result = stream_process([PYTHON, "-c", code], log_path=tmp_path / "log", on_line=take)
    assert (lines, result.returncode) == ([b"one\n", b"two\n"], 4)
    assert (tmp_path / "log").read_text() == "why"


def test_a_stream_is_ended_when_enough_was_read_and_its_cost_is_known(tmp_path: Path) -> None:
    pids: list[int] = []

    def first(line: bytes) -> bool:
        pids.append(int(line))
        return False

    result = stream_process([PYTHON, "-c", FORKING], log_path=tmp_path / "log", on_line=first)
    assert result.peak_memory_bytes > 1_000_000
    assert len(pids) == 1
    assert _wait_for(lambda: not _alive(pids[0]))


def test_an_error_while_streaming_ends_the_program(tmp_path: Path) -> None:
    def refuse(line: bytes) -> bool:
        raise ValueError(line.decode())

    with pytest.raises(ValueError, match=r"\d+") as caught:
        stream_process([PYTHON, "-c", FORKING], log_path=tmp_path / "log", on_line=refuse)
    assert _wait_for(lambda: not _alive(int(str(caught.value))))


def test_what_a_program_left_behind_is_killed(tmp_path: Path) -> None:
    lines: list[str] = []
    code = "import subprocess as s; print(s.Popen(['sleep', '60']).pid)"
    run_process([PYTHON, "-c", code], log_path=tmp_path / "log", on_line=lines.append)
    assert _wait_for(lambda: not _alive(int(lines[0])))


@pytest.mark.slow
@pytest.mark.parametrize("stubborn", [False, True])
def test_a_program_that_ignores_sigterm_is_killed(tmp_path: Path, stubborn: bool) -> None:
    """The program and its children, or only the children if the program ends."""
    code = FORKING.replace(
        '"import time', '"import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)'
    ).replace("print(", "time.sleep(0.3); print(")
    pids: list[int] = []
    lead = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" if stubborn else ""
    with pytest.raises(ToolError, match="within 1 s"):
        run_process(
            [PYTHON, "-c", lead + code],
            log_path=tmp_path / "log",
            timeout_seconds=1,
            terminate_seconds=0.2,
            on_line=lambda line: pids.append(int(line)),
        )
    assert _wait_for(lambda: not _alive(pids[0]))


def test_an_error_contains_the_end_of_the_output(tmp_path: Path) -> None:
    code = "import sys; print('old'); sys.stderr.write('no such\\nfile\\n'); sys.exit(3)"
    with pytest.raises(ToolError, match=r"status 3: old \| no such \| file"):
        run_process([PYTHON, "-u", "-c", code], log_path=tmp_path / "log")


def test_an_accepted_status_is_not_an_error(tmp_path: Path) -> None:
    result = run_process(
        [PYTHON, "-c", "raise SystemExit(75)"], log_path=tmp_path / "log", accept=(0, 75)
    )
    assert result.returncode == 75


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="no-such-program: No such file"):
        run_process(["no-such-program"], log_path=tmp_path / "log")


def test_a_short_output_is_captured_with_the_errors() -> None:
    code = "import sys; print('1.2.3', flush=True); sys.stderr.write('é\\n'); sys.exit(4)"
    assert capture_process([PYTHON, "-c", code]) == (4, "1.2.3\né")
    with pytest.raises(ToolError, match=r"python\S* did not end within 0\.1 s; try it by hand"):
        capture_process([PYTHON, "-c", "import time; time.sleep(600)"], timeout_seconds=0.1)
    with pytest.raises(ToolError, match=r"no-such-program cannot start: .*No such file"):
        capture_process(["no-such-program"])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1])
def test_death_by_a_signal_is_reported_as_such(tmp_path: Path, number: signal.Signals) -> None:
    code = f"import os; os.kill(os.getpid(), {number})"
    if number == signal.SIGUSR1:  # ignored unless a program wants it
        code = f"import signal; signal.signal({number}, signal.SIG_DFL); {code}"
    with pytest.raises(ToolError, match=f"status -{number}:"):
        run_process([PYTHON, "-c", code], log_path=tmp_path / "log")


@pytest.mark.fault
def test_sigusr1_to_every_process_ends_no_program(tmp_path: Path) -> None:
    """Slurm may send it to all processes of a job. It killed the guard, and so the program."""
    struck: list[int] = []

    def strike(line: str) -> None:
        for process in map(int, line.split()):
            os.kill(process, signal.SIGUSR1)
            struck.append(process)

    code = "import os, time; print(os.getppid(), os.getpid(), flush=True); time.sleep(0.5)"
    result = run_process([PYTHON, "-c", code], log_path=tmp_path / "log", on_line=strike)
    assert (result.returncode, len(struck)) == (0, 2)


@pytest.mark.fault
def test_sigusr1_reaches_a_program_that_handles_it(tmp_path: Path) -> None:
    """As torchrun does: neither a mask nor a disposition of the guard may block it."""
    code = (
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGUSR1, lambda *_: sys.exit(75))\n"
        "print(os.getpid(), flush=True)\n"
        "time.sleep(20)"
    )
    result = run_process(
        [PYTHON, "-c", code],
        log_path=tmp_path / "log",
        on_line=lambda line: os.kill(int(line), signal.SIGUSR1),
        accept=(75,),
    )
    assert result.returncode == 75


def test_variables_are_added_to_our_environment(tmp_path: Path) -> None:
    lines: list[str] = []
    code = "import os; print(os.environ['XLM_TEST'], 'PATH' in os.environ)"
    run_process(
        [PYTHON, "-c", code],
        log_path=tmp_path / "log",
        environment={"XLM_TEST": "1"},
        on_line=lines.append,
    )
    assert lines == ["1 True"]


FORKING = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.slow
def test_a_timeout_ends_the_whole_group(tmp_path: Path) -> None:
    pids: list[int] = []
    with pytest.raises(ToolError, match="within 1 s"):
        run_process(
            [PYTHON, "-c", FORKING],
            log_path=tmp_path / "log",
            timeout_seconds=1,
            on_line=lambda line: pids.append(int(line)),
        )
    assert pids
    assert _wait_for(lambda: not _alive(pids[0]))


def test_an_error_in_a_callback_ends_the_program(tmp_path: Path) -> None:
    def refuse(line: str) -> None:
        raise ValueError(line)

    with pytest.raises(ValueError, match=r"\d+"):
        run_process([PYTHON, "-c", FORKING], log_path=tmp_path / "log", on_line=refuse)
    pid = int((tmp_path / "log").read_text().split()[0])
    assert _wait_for(lambda: not _alive(pid))


def test_it_runs_in_a_thread(tmp_path: Path) -> None:
    codes: list[int] = []

    def context() -> None:
        codes.append(run_process([PYTHON, "-c", "pass"], log_path=tmp_path / "log").returncode)

    thread = threading.Thread(target=context)
    thread.start()
    thread.join(60)
    assert codes == [0]


@pytest.mark.fault
def test_nothing_outlives_a_killed_starter(tmp_path: Path) -> None:
    """kill -9 of the driver left wikiextractor and torchrun running."""
    starter = (
        "from pathlib import Path\n"
        "from xlm.processes.programs import run_process\n"
        f"run_process([{PYTHON!r}, '-c', {FORKING!r}], log_path=Path({str(tmp_path / 'log')!r}))"
    )
    root = REPOSITORY
    driver = subprocess.Popen([PYTHON, "-c", starter], env={**os.environ, "PYTHONPATH": str(root)})
    log = tmp_path / "log"
    assert _wait_for(lambda: log.exists() and log.read_text().endswith("\n"))
    grandchild = int(log.read_text())
    assert _alive(grandchild)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    assert _wait_for(lambda: not _alive(grandchild))


STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + FORKING


@pytest.mark.fault
@pytest.mark.parametrize("asked", [False, True])
def test_programs_of_a_killed_starter_end_in_time_even_if_they_were_promised_more(
    tmp_path: Path, asked: bool
) -> None:
    """It took as long as saving a state may take, 35 s and more."""
    log = tmp_path / "log"
    starter = (
        "import sys\n"
        "from xlm.processes.child import GuardedChild\n"
        f"log = open({str(log)!r}, 'ab')\n"
        f"child = GuardedChild([{PYTHON!r}, '-c', {STUBBORN!r}], output=log.fileno(),\n"
        "                     errors=log.fileno(), terminate_seconds=600)\n"
        "sys.stdin.readline()\n"
        f"{asked} and child.ask_to_end()\n"
        "print('asked', flush=True)\n"
        "sys.stdin.read()\n"
    )
    root = REPOSITORY
    with subprocess.Popen(
        [PYTHON, "-c", starter],
        env={**os.environ, "PYTHONPATH": str(root)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as driver:
        assert driver.stdin is not None
        assert driver.stdout is not None
        assert _wait_for(lambda: log.exists() and log.read_text().endswith("\n"))
        driver.stdin.write("\n")
        driver.stdin.flush()
        driver.stdout.readline()
        grandchild = int(log.read_text())
        driver.kill()
    assert _wait_for(lambda: not _alive(grandchild), seconds=15)


@pytest.mark.fault
def test_a_program_ends_when_its_guard_is_killed(tmp_path: Path) -> None:
    """A command that kills every process named python may hit the guard."""
    code = "import os, time; print(os.getppid(), os.getpid(), flush=True); time.sleep(600)"
    pids: list[int] = []

    def strike(line: str) -> None:
        pids.extend(map(int, line.split()))
        os.kill(pids[0], signal.SIGKILL)

    with pytest.raises(ToolError, match="status -9"):
        run_process([PYTHON, "-c", code], log_path=tmp_path / "log", on_line=strike)
    assert _wait_for(lambda: not _alive(pids[1]))


@pytest.mark.fault
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_every_process_does_not_end_the_guard(
    tmp_path: Path, number: signal.Signals
) -> None:
    code = (
        "import os, signal, sys, time\n"
        f"signal.signal({number}, lambda *_: sys.exit(75))\n"
        "print(os.getppid(), os.getpid(), flush=True)\n"
        "time.sleep(20)"
    )
    result = run_process(
        [PYTHON, "-c", code],
        log_path=tmp_path / "log",
        on_line=lambda line: [os.kill(pid, number) for pid in map(int, line.split())],
        accept=(75,),
    )
    assert result.returncode == 75
