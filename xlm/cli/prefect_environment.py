"""Where Prefect's server is on this machine, and the environment that it runs in."""

import os
import urllib.error
import urllib.request
from pathlib import Path

UI_PORT = 4200
_PROBE_SECONDS = 1.0


def quiet_environment(home: Path) -> dict[str, str]:
    """Variables for Prefect on this machine: records in `home`, warnings only, no telemetry.

    A user's own variables of these names are left as they are.
    """
    variables = {
        "PREFECT_HOME": str(home),
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    return {name: value for name, value in variables.items() if name not in os.environ}


def api_url(port: int) -> str:
    """Address of the API of a server on this machine."""
    return f"http://127.0.0.1:{port}/api"


def server_answers(url: str) -> bool:
    """Whether a Prefect API answers at `url`."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=_PROBE_SECONDS) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False
