"""`xlm ui`: starts server, deployments and worker, and stops them together."""

import os
import sys
import time
from pathlib import Path

import typer

from flows.server.access import ServerAccess, published
from flows.server.environment import set_up_home, use_server
from flows.server.process import require_free_port, starting_server
from flows.terminal.program import require_valid_settings
from flows.ui.deploy import WORK_POOL, register_deployments
from xlm.errors import ToolError
from xlm.processes.child import GuardedChild
from xlm.processes.supervise import wait_for

_WORKER_STOP_SECONDS = 15.0
_CHECK_SECONDS = 5.0
"""How often to look for tasks without a final state."""
_FLOWS_END_SECONDS = 60.0
"""Time for training to save its state."""


def main(port: int) -> int:
    """Start everything, wait for Ctrl-C or SIGTERM, stop everything.

    Raises:
        XlmError: a process does not start, or ends.
    """
    root, project = Path(os.environ["XLM_ROOT"]), Path(os.environ["XLM_HOME"])
    require_free_port(port)
    home = set_up_home(root)
    access = ServerAccess.new(port)
    use_server(access.client_variables())
    with published(access, root, project), starting_server(home, access, with_ui=True) as server:
        # Prefect reads its settings when it is imported, so the server must be known.
        require_valid_settings()
        from flows.ui.abandoned import (
            end_abandoned_runs,
            end_killed_runs,
            end_tasks_of_ended_runs,
            wait_for_flow_processes,
        )

        server.wait_until_ready()
        try:
            end_abandoned_runs(WORK_POOL)
            end_killed_runs(root)
            register_deployments()
            with _worker() as worker:
                typer.echo(f"UI {access.sign_in_url}  (Ctrl-C stops server and worker)")
                next_check = 0.0

                def check() -> None:
                    nonlocal next_check
                    server.require_running()
                    end_killed_runs(root)
                    if time.monotonic() >= next_check:
                        end_tasks_of_ended_runs()
                        next_check = time.monotonic() + _CHECK_SECONDS

                wait_for([worker], on_wait=check, longest_wait_seconds=0.5)
            raise ToolError("the worker exited", fix="see its last lines above")
        except KeyboardInterrupt:
            typer.echo("stopping")
        finally:
            # Flows that lost their worker end by themselves; the server must record how.
            if server.running() and wait_for_flow_processes(root, _FLOWS_END_SECONDS):
                end_abandoned_runs(WORK_POOL)
    return 0


def _worker() -> GuardedChild:
    command = ["worker", "start", "--pool", WORK_POOL, "--type", "process"]
    return GuardedChild(
        [sys.executable, "-P", "-m", "prefect", "--no-prompt", *command],
        output=sys.stdout.fileno(),
        errors=sys.stderr.fileno(),
        environment={"PYTHONSAFEPATH": "1"},
        terminate_seconds=_WORKER_STOP_SECONDS,
    )
