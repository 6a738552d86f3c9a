"""Where Prefect's server is on this machine, and the environment that it runs in."""

import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from xlm.errors import ConfigError, ToolError

_OF_ANOTHER_SERVER = ("PREFECT_API_KEY", "PREFECT_API_AUTH_STRING", "PREFECT_PROFILE")
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


def set_up_home(root: Path) -> Path:
    """Give this process and its children Prefect's variables; the folder of its records.

    Raises:
        ConfigError: PREFECT_HOME cannot be used.
    """
    given = os.environ.get("PREFECT_HOME")
    home = Path(given) if given else root / "prefect"
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"Prefect's folder {home}: {error.strerror}" + (" (PREFECT_HOME)" if given else ""),
            fix="name a directory that can be written" if given else "choose another --root",
        ) from error
    os.environ |= quiet_environment(home)
    return home


def use_server(client_variables: Mapping[str, str]) -> None:
    """Let this process and its children use a server of ours, whatever key is set for another."""
    for name in _OF_ANOTHER_SERVER:
        os.environ.pop(name, None)
    os.environ |= client_variables


def unproxied_loopback() -> dict[str, str]:
    """Variables that keep requests to this machine off a proxy; all others go where they went."""
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    hosts = [host.strip() for host in given.split(",") if host.strip()]
    if "*" not in hosts:
        hosts += [host for host in _LOOPBACK if host not in hosts]
    return dict.fromkeys(("no_proxy", "NO_PROXY"), ",".join(hosts))


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
