"""Registers the work pool and the deployments, for `xlm deploy` and `xlm ui`."""

import os
import sys
from pathlib import Path
from typing import Any

from flows.server.access import find_access
from flows.server.environment import set_up_home, use_server
from flows.server.prefect_api import given_api_url, require_server
from flows.terminal.program import require_valid_settings
from flows.worker.process import FLOW_COMMAND, WORK_POOL
from xlm.errors import ToolError
from xlm.processes.programs import capture_process


def main() -> int:
    """Register with the server of PREFECT_API_URL, or with the `xlm ui` that runs on this root."""
    root = Path(os.environ["XLM_ROOT"])
    set_up_home(root)
    if given := given_api_url():
        require_server(given)
    elif access := find_access(root):
        use_server(access.client_variables())
    else:
        raise ToolError("no Prefect server is running", fix="start one with `xlm ui`")
    require_valid_settings()
    register_deployments()
    return 0


def register_deployments() -> None:
    """Create or update the work pool, then every deployment of prefect.yaml.

    Raises:
        ToolError: the server refuses one of them.
    """
    _register_pool()
    command = [sys.executable, "-P", "-m", "prefect", "--no-prompt", "deploy", "--all"]
    status, printed = capture_process(command)
    if status:
        tail = " | ".join(printed.split("\n"))[-500:]
        raise ToolError(f"prefect deploy --all failed: {tail}")


def job_template() -> dict[str, Any]:
    """Template of the pool. It has no variables, so that no run can set its own command.

    It names no folder of this machine: the worker's environment has the store, the project's folder
    and the interpreter, and each machine of a shared server can have its own.
    """
    return {
        "variables": {"type": "object", "properties": {}, "additionalProperties": False},
        "job_configuration": {
            "command": FLOW_COMMAND,
            "env": {"PYTHONSAFEPATH": "1"},
            "stream_output": True,
        },
    }


def _register_pool() -> None:
    from httpx import HTTPError
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
    from prefect.exceptions import ObjectAlreadyExists

    template = job_template()
    try:
        with get_client(sync_client=True) as client:
            pool = WorkPoolCreate(name=WORK_POOL, type="process", base_job_template=template)
            try:
                client.create_work_pool(pool)
            except ObjectAlreadyExists:
                client.update_work_pool(WORK_POOL, WorkPoolUpdate(base_job_template=template))
    except HTTPError as error:
        reason = str(error).partition("\n")[0]
        raise ToolError(f"the Prefect server refused the work pool: {reason}") from error
