"""`xlm worker`: runs on this machine the flow runs of a shared server."""

import os
import time
from contextlib import suppress
from pathlib import Path

import typer

from flows.server.environment import set_up_home
from flows.server.prefect_api import shown_url
from flows.terminal.program import require_valid_settings
from flows.worker.checks import require_deployed, require_shared_server
from flows.worker.process import WORK_POOL, worker_process
from xlm.errors import ToolError
from xlm.processes.supervise import wait_for

_PATIENCE = {
    # A server without its database answers 500: a run that ends then must not be shown as crashed.
    "PREFECT_CLIENT_RETRY_EXTRA_CODES": "500",
    # The waits double from 2 s: about 8 minutes in all.
    "PREFECT_CLIENT_MAX_RETRIES": "8",
}
"""Settings of Prefect with which the worker and its runs survive restarts of the server."""
_CHECK_SECONDS = 30.0
"""How often to look for runs that lost their process."""


def main(limit: int | None, *, only_check: bool) -> int:
    """Check the server, take runs until Ctrl-C or SIGTERM, then let them save their state.

    Raises:
        XlmError: the server or the store cannot be used, or the worker process ends.
    """
    root = Path(os.environ["XLM_ROOT"])
    set_up_home(root)
    os.environ |= {name: value for name, value in _PATIENCE.items() if name not in os.environ}
    url = require_shared_server()
    # Prefect reads its settings when it is imported, so the environment must be complete.
    require_valid_settings()
    for warning in require_deployed(url):
        typer.echo(f"xlm: warning: {warning}", err=True)
    if only_check:
        typer.echo(f"{shown_url(url).removesuffix('/api')} has the work pool and the deployments")
        return 0
    _end_lost_runs(root)
    try:
        with worker_process(limit=limit) as worker:
            server = shown_url(url).removesuffix("/api")
            typer.echo(f"worker of {server}, store {root}  (Ctrl-C stops it)")
            next_check = time.monotonic() + _CHECK_SECONDS

            def check() -> None:
                nonlocal next_check
                if time.monotonic() >= next_check:
                    _end_lost_runs(root)
                    next_check = time.monotonic() + _CHECK_SECONDS

            wait_for([worker], on_wait=check, longest_wait_seconds=0.5)
        raise ToolError("the worker exited", fix="see its last lines above")
    except KeyboardInterrupt:
        typer.echo("stopping")
    finally:
        _end_lost_runs(root)
    return 0


def _end_lost_runs(root: Path) -> None:
    """End runs of this machine without a process; a server that is away is asked again later."""
    from httpx import HTTPError

    from flows.ui.abandoned import end_abandoned_runs, end_killed_runs

    with suppress(HTTPError):
        end_abandoned_runs(WORK_POOL, of_this_machine=root)
        end_killed_runs(root)
