"""A shared Prefect server on PostgreSQL, as `infra/compose.yaml` starts it, and its API."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from flows.server.process import free_port
from tests.flows.console import environment
from tests.flows.shared_server.compose import service

TOKEN = "xlm:cAnArYtOkEn"
_PATIENCE_SECONDS = 300.0


@dataclass
class SharedServer:
    """The server of `infra/compose.yaml` on this machine; it can be killed and started again."""

    home: Path
    database_url: str
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """URL of the API."""
        return f"http://127.0.0.1:{self.port}/api"

    def start(self) -> None:
        """Start it as its container would, and wait until it is healthy."""
        tini, separator, prefect = self._service["entrypoint"]
        assert (tini, separator, prefect) == ("tini", "--", "prefect")
        words = [str(self.port) if word == "4200" else word for word in self._service["command"]]
        words[words.index("0.0.0.0")] = "127.0.0.1"
        with (self.home / "shared-server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "prefect", *words],
                env=environment(self.home) | self._variables(),
                cwd=self.home,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(self.is_healthy, "the server does not answer")

    @property
    def _service(self) -> dict[str, Any]:
        variables = {"XLM_PREFECT_TOKEN": TOKEN, "XLM_POSTGRES_PASSWORD": self._database.password}
        return service("server", {name: value or "" for name, value in variables.items()})

    @property
    def _database(self) -> SplitResult:
        return urlsplit(self.database_url)

    def _variables(self) -> dict[str, str]:
        """The environment of its container, with this machine's folders, ports and database."""
        ours = {
            "PREFECT_SERVER_DATABASE_HOST": self._database.hostname or "",
            "PREFECT_SERVER_DATABASE_PORT": str(self._database.port),
            "PREFECT_SERVER_DATABASE_USER": self._database.username or "",
            "PREFECT_SERVER_DATABASE_NAME": self._database.path.removeprefix("/"),
        }
        moved = {
            name: value.replace("/tmp/", f"{self.home}/").replace(":4200", f":{self.port}")
            for name, value in self._service["environment"].items()
        }
        return moved | ours

    def is_healthy(self) -> bool:
        """What the health check of its container finds."""
        kind, _, option, code = self._service["healthcheck"]["test"]
        assert (kind, option) == ("CMD", "-c")
        code = code.replace(":4200", f":{self.port}")
        return subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0

    def end(self, number: signal.Signals) -> None:
        """End it with a signal to all its processes."""
        if self.process is not None:
            os.killpg(self.process.pid, number)
            self.process.wait(60)

    def client_variables(self) -> dict[str, str]:
        """What a worker's environment needs."""
        return {
            "PREFECT_API_URL": self.url,
            "PREFECT_API_AUTH_STRING": TOKEN,
            "PREFECT_WORKER_QUERY_SECONDS": "1",
        }

    def api(self, path: str, body: object) -> Any:
        """The answer of the API to a POST."""
        request = urllib.request.Request(
            f"{self.url}{path}",
            data=json.dumps(body).encode(),
            headers={
                "Content-Type": "application/json",
                "Authorization": "Basic " + base64.b64encode(TOKEN.encode()).decode(),
            },
        )
        with urllib.request.urlopen(request, timeout=60) as reply:
            text = reply.read()
        return json.loads(text) if text else None

    def run(self, deployment: str, **parameters: object) -> str:
        """Start a flow run; returns its id."""
        found = self.api("/deployments/filter", {"deployments": {"name": {"any_": [deployment]}}})
        path = f"/deployments/{found[0]['id']}/create_flow_run"
        return str(self.api(path, {"parameters": parameters})["id"])

    def state(self, run_id: str) -> str:
        """The name of a flow run's state."""
        runs = self.api("/flow_runs/filter", {"flow_runs": {"id": {"any_": [run_id]}}})
        return str(runs[0]["state_name"])

    def completed_tasks(self, run_id: str) -> int:
        """How many task runs of a flow run are completed."""
        body = {
            "flow_runs": {"id": {"any_": [run_id]}},
            "task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}},
        }
        return int(self.api("/task_runs/count", body))


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.5)
