"""A shared Prefect server as the deployment files start it, and workers of it."""

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

from flows.server.process import free_port
from tests.flows.console import environment

TOKEN = "xlm:cAnArYtOkEn"
_PATIENCE_SECONDS = 300.0


@dataclass
class SharedServer:
    """`prefect server start` on PostgreSQL with a token; it can be killed and started again."""

    home: Path
    database_url: str
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """URL of the API."""
        return f"http://127.0.0.1:{self.port}/api"

    def start(self) -> None:
        """Start it and wait until it answers."""
        driver = self.database_url.replace("postgresql://", "postgresql+asyncpg://")
        with (self.home / "shared-server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "prefect", "server", "start"),
                    *("--host", "127.0.0.1", "--port", str(self.port)),
                ],
                env=environment(self.home)
                | {
                    "PREFECT_HOME": str(self.home / "server"),
                    "PREFECT_SERVER_API_AUTH_STRING": TOKEN,
                    "PREFECT_SERVER_DATABASE_CONNECTION_URL": driver,
                    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
                },
                cwd=self.home,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(self.answers, "the server does not answer")

    def answers(self) -> bool:
        """Whether the API answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False

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
