"""The Prefect server as a program: `python -P -m flows.server.app PORT [REPORTS]`.

`prefect server start` would start a second process that imports everything again, and cannot be
given our guard.
"""

import os
import sys
from pathlib import Path

import uvicorn

from flows.server.guard import ServerGuard
from flows.server.reports import Reports


def main(port: int, reports: Path | None = None) -> None:
    """Serve API, UI and a folder of reports on the loopback interface until a signal ends it."""
    token = os.environ.get("PREFECT_SERVER_API_AUTH_STRING")
    if not token:
        sys.exit("the Prefect server needs a token: PREFECT_SERVER_API_AUTH_STRING is not set")
    os.umask(0o077)  # its database contains logs and parameters of runs
    os.environ["PREFECT__SERVER_FINAL"] = "1"
    from prefect.server.api.server import create_app
    from prefect.settings import get_current_settings

    settings = get_current_settings().server
    uvicorn.run(
        ServerGuard(create_app(final=True), Reports(reports, token) if reports else None),
        host="127.0.0.1",
        port=port,
        timeout_keep_alive=settings.api.keepalive_timeout,
        ws_ping_interval=settings.api.websocket_ping_interval,
        ws_ping_timeout=settings.api.websocket_ping_timeout,
        log_level=settings.logging_level.lower(),
        # Do not print every request of the UI.
        access_log=False,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), *map(Path, sys.argv[2:]))
