"""`xlm ui`: server, worker and deployments in one command, runs from another terminal."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.console import REPOSITORY, digests, environment, processes_of, start

SMALL = str(Path(__file__).with_name("small.yaml"))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def ui(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a second terminal; afterwards Ctrl-C must have stopped everything."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = start(tmp_path, "ui", "--port", str(port))
    url = f"http://127.0.0.1:{port}"
    assert process.stdout
    for line in process.stdout:
        if line.startswith(f"UI {url}"):
            break
    else:
        pytest.fail("xlm ui ended")
    home = {"PREFECT_HOME": str(tmp_path / "prefect"), "PREFECT_API_URL": f"{url}/api"}
    yield environment(tmp_path) | home
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=120)
    deadline = time.monotonic() + 30
    while left := processes_of(tmp_path):
        assert time.monotonic() < deadline, left
        time.sleep(0.2)


def _deployment_run(name: str, terminal: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "prefect", "deployment", "run", f"xlm/{name}", "--watch"),
            *("-p", f"profile={SMALL}", *arguments),
        ],
        cwd=REPOSITORY,
        env=terminal,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    return done.stdout + done.stderr


def _names_of_runs(terminal: dict[str, str], tag: str) -> set[str]:
    """Names of the task runs that the UI lists under a tag."""
    request = urllib.request.Request(
        f"{terminal['PREFECT_API_URL']}/task_runs/filter",
        data=json.dumps({"task_runs": {"tags": {"all_": [tag]}}}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as reply:
        return {run["name"] for run in json.load(reply)}


def test_deployments_run_from_another_terminal(ui: dict[str, str], tmp_path: Path) -> None:
    missing = _deployment_run("extract-xnli", ui)
    assert "Failed" in missing
    printed = _deployment_run("full-pipeline", ui, "-p", "until=extract-xnli")
    assert "Completed" in printed
    assert _names_of_runs(ui, "unit:sw") >= {"extract-xnli[sw]"}
    before = digests(tmp_path)
    assert set(before) >= {"extract-xnli[en]", "extract-xnli[sw]", "make-world[all]"}
    again = _deployment_run("extract-xnli", ui, "-p", 'refresh=["extract-xnli"]')
    assert "Completed" in again
    assert digests(tmp_path) == before
    checks = sorted((tmp_path / "artifacts" / "extract-xnli").glob("*.checks"))
    assert len(checks) == 3
    assert all('"verdict":"identical"' in path.read_text() for path in checks)
