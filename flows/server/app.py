"""The Prefect server as a program: `python -P -m flows.server.app PORT`.

`prefect server start` would start a second process that imports everything again, and cannot be
given our guard.
"""

import os
import sys

import uvicorn

from flows.server.guard import ServerGuard


def main(port: int) -> None:
    """Serve API and UI on the loopback interface until a signal ends it."""
    if not os.environ.get("PREFECT_SERVER_API_AUTH_STRING"):
        sys.exit("the Prefect server needs a token: PREFECT_SERVER_API_AUTH_STRING is not set")
    os.umask(0o077)  # its database contains logs and parameters of runs
    os.environ["PREFECT__SERVER_FINAL"] = "1"
    from prefect.server.api.server import create_app
    from prefect.settings import get_current_settings

    settings = get_current_settings().server
    uvicorn.run(
        ServerGuard(create_app(final=True)),
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
    main(int(sys.argv[1]))
