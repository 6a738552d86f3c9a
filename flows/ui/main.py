"""`xlm ui`: starts server, deployments and worker, and stops them together."""

import os
import time
from pathlib import Path

import typer

from flows.server.access import ServerAccess, published
from flows.server.environment import set_up_home, use_server
from flows.server.process import require_free_port, starting_server
from flows.terminal.program import require_valid_settings
from flows.ui.deploy import register_deployments
from flows.worker.process import WORK_POOL, worker_process
from xlm.errors import ToolError
from xlm.processes.supervise import wait_for

_CHECK_SECONDS = 5.0
"""How often to look for tasks without a final state."""


def main(port: int, database_url: str | None) -> int:
    """Start everything, wait for Ctrl-C or SIGTERM, stop everything.

    Args:
        database_url: of PostgreSQL; without it, the records are a file in the root.

    Raises:
        XlmError: a process does not start, or ends.
    """
    root, project = Path(os.environ["XLM_ROOT"]), Path(os.environ["XLM_HOME"])
    require_free_port(port)
    home = set_up_home(root)
    access = ServerAccess.new(port)
    use_server(access.client_variables())
    with (
        published(access, root, project),
        starting_server(
            home, access, reports=root / "runs", with_ui=True, database_url=database_url
        ) as server,
    ):
        # Prefect reads its settings when it is imported, so the server must be known.
        require_valid_settings()
        from flows.ui.abandoned import (
            end_abandoned_runs,
            end_killed_runs,
            end_tasks_of_ended_runs,
        )

        # Other machines may have a server on the same database, and runs of their own.
        ours = root if server.has_shared_database else None
        server.wait_until_ready()
        try:
            end_abandoned_runs(WORK_POOL, of_this_machine=ours)
            end_killed_runs(root)
            register_deployments()
            with worker_process() as worker:
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
            if server.running():
                end_abandoned_runs(WORK_POOL, of_this_machine=ours)
    return 0
