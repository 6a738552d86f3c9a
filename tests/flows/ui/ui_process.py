"""A real `xlm ui` for tests, and requests to its server."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows.server.process import free_port
from tests.flows.console import REPOSITORY, environment, processes_of, start

_SECONDS_TO_END = 60.0


@dataclass(frozen=True)
class RunningUi:
    """A started `xlm ui`."""

    root: Path
    project: Path
    process: "subprocess.Popen[str]"
    url: str
    token: str

    def get(self, path: str, **headers: str) -> int:
        """The status of a GET."""
        return self.request(path, None, **headers)[0]

    def request(self, path: str, body: object, method: str = "", **headers: str) -> tuple[int, Any]:
        """Status and body of a request with just these headers (`_` in a name stands for `-`)."""
        data = None if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(
            f"{self.url}{path}",
            data=data,
            headers={"Content-Type": "application/json"} | named,
            method=method or ("GET" if body is None else "POST"),
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                text, status = reply.read().decode(), reply.status
        except urllib.error.HTTPError as error:
            text, status = error.read().decode(), error.code
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    def api(self, path: str, body: object) -> Any:
        """The answer of the API to a POST of its owner."""
        status, answer = self.request(f"/api{path}", body, **self.authorization)
        assert status < 300, (status, answer)
        return answer

    @property
    def authorization(self) -> dict[str, str]:
        """The header that the owner sends."""
        return {"Authorization": "Basic " + base64.b64encode(self.token.encode()).decode()}

    def prefect(self, *arguments: str) -> str:
        """What a Prefect command prints that is typed in the project's folder."""
        done = subprocess.run(
            [sys.executable, "-m", "prefect", *arguments],
            cwd=self.project,
            env=environment(self.root),
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        return done.stdout + done.stderr

    def flow_runs(self) -> list[dict[str, Any]]:
        """All flow runs, the latest first."""
        found: list[dict[str, Any]] = self.api("/flow_runs/filter", {"sort": "START_TIME_DESC"})
        return found


@contextmanager
def running_ui(
    root: Path, arguments: tuple[str, ...] = (), **variables: str
) -> Iterator[RunningUi]:
    """Start `xlm ui` on a free port; at the end Ctrl-C must have stopped everything."""
    port = free_port()
    project = _project(root)
    # The worker polls every ten seconds by default.
    often = {"PREFECT_WORKER_QUERY_SECONDS": "1"} | variables
    process = start(root, "ui", "--port", str(port), *arguments, cwd=project, **often)
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith(f"UI http://127.0.0.1:{port}/"):
            break
    else:
        pytest.fail("".join(lines))
    access = tomllib.loads((root / "prefect" / "access.toml").read_text())["api"]
    assert access["url"] == f"http://127.0.0.1:{port}/api"
    url, token = access["url"].removesuffix("/api"), access["auth_string"]
    try:
        yield RunningUi(root, project, process, url, token)
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGINT)
        process.communicate(timeout=120)
    deadline = time.monotonic() + _SECONDS_TO_END
    while left := processes_of(root):
        assert time.monotonic() < deadline, left
        time.sleep(0.2)


def _project(root: Path) -> Path:
    """A project's folder: the `prefect.toml` of a `make ui` in this repository stays as it is."""
    project = root.with_name(f"{root.name}-project")
    project.mkdir(exist_ok=True)
    for name in ("prefect.yaml", "pyproject.toml", "flows"):
        link = project / name
        if not link.exists():
            link.symlink_to(REPOSITORY / name)
    return project
