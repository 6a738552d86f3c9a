"""Where Prefect's server is on this machine, and the environment that it runs in."""

import os
import urllib.error
import urllib.request
from pathlib import Path

from xlm.errors import ToolError

UI_PORT = 4200
_PROBE_SECONDS = 1.0
_PATIENCE_SECONDS = 10.0
_LOOPBACK = ("127.0.0.1", "localhost")
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Asks without a proxy: what is probed is this machine."""


def quiet_environment(home: Path) -> dict[str, str]:
    """Variables for Prefect on this machine: records in `home`, warnings only, no telemetry.

    A user's own variables of these names are left as they are.
    """
    variables = {
        "PREFECT_HOME": str(home),
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        # Without a server it prints every event that it could not send, in full.
        "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    unset = {name: value for name, value in variables.items() if name not in os.environ}
    return unset | unproxied_loopback()


def unproxied_loopback() -> dict[str, str]:
    """Variables that keep requests to this machine off a proxy; all others go where they went."""
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    hosts = [host.strip() for host in given.split(",") if host.strip()]
    if "*" not in hosts:
        hosts += [host for host in _LOOPBACK if host not in hosts]
    return dict.fromkeys(("no_proxy", "NO_PROXY"), ",".join(hosts))


def api_url(port: int) -> str:
    """Address of the API of a server on this machine."""
    return f"http://127.0.0.1:{port}/api"


def server_answers(url: str) -> bool:
    """Whether a Prefect API answers at `url`."""
    try:
        with _OPENER.open(f"{url}/health", timeout=_PROBE_SECONDS) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def require_server(url: str) -> None:
    """Refuse an address where nothing answers; one that asks for a key first may be right.

    Raises:
        ToolError: nobody is there.
    """
    try:
        urllib.request.urlopen(f"{url}/health", timeout=_PATIENCE_SECONDS).close()
    except urllib.error.HTTPError:
        return
    except (OSError, ValueError) as error:
        raise ToolError(
            f"no Prefect server at {url} (PREFECT_API_URL)",
            fix="start it, or unset the variable: a run needs none",
        ) from error
