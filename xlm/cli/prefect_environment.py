"""Environment of Prefect for this project: local, quiet, and below the store's root."""

import os
import urllib.error
import urllib.request
from pathlib import Path

UI_PORT = 4200
_PROBE_SECONDS = 1.0


def local_environment(root: Path) -> dict[str, str]:
    """Variables for a run in a terminal: the server of `xlm ui` if it answers, else a passing one.

    A user's own PREFECT_API_URL or PREFECT_HOME is left as it is.
    """
    variables = {
        "PREFECT_HOME": str(root / "prefect"),
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "DO_NOT_TRACK": "1",
    }
    if "PREFECT_API_URL" not in os.environ:
        url = api_url(UI_PORT)
        variables["PREFECT_API_URL"] = url if server_answers(url) else ""
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
