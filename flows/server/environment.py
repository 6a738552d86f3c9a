"""Sets the environment that Prefect runs in, and finds the server on this machine."""

import os
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile
from urllib.parse import quote

from xlm.errors import ConfigError

_OF_ANOTHER_SERVER = ("PREFECT_API_KEY", "PREFECT_API_AUTH_STRING", "PREFECT_PROFILE")
"""Keys and profiles for another server: ours must not get them, and we must not use them."""
_DATABASE = ("PREFECT_SERVER_DATABASE_CONNECTION_URL", "PREFECT_API_DATABASE_CONNECTION_URL")
_OWNER_ONLY = 0o700
_PROBE_SECONDS = 1.0
_LOOPBACK = ("127.0.0.1", "localhost")
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Connects without a proxy: the server is on this machine."""


def quiet_environment(home: Path) -> dict[str, str]:
    """Variables for Prefect: records in `home`, a quiet server, no telemetry.

    Variables that the user has set are not changed.
    """
    variables = {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        # Otherwise it prints every event that it could not send, in full.
        "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    unset = {name: value for name, value in variables.items() if name not in os.environ}
    return unset | unproxied_loopback()


def set_up_home(root: Path) -> Path:
    """Set Prefect's variables for this process and its children; returns the folder of its records.

    Raises:
        ConfigError: PREFECT_HOME cannot be used.
    """
    given = os.environ.get("PREFECT_HOME")
    home = Path(given).expanduser().absolute() if given else root / "prefect"
    try:
        home.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
        if not given:
            _make_private(home)
            _remove_pipes(home)
        with TemporaryFile(dir=home):
            pass
    except (OSError, RuntimeError) as error:
        what = f"PREFECT_HOME {given}" if given else f"Prefect's folder {home}"
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"{what} cannot be used: {reason}",
            fix="set it to a directory that can be written"
            if given
            else "set PREFECT_HOME to a directory of your own, or choose another --root",
        ) from error
    os.environ |= quiet_environment(home) | {"PREFECT_HOME": str(home)}
    return home


def _make_private(home: Path) -> None:
    """Keep other users out of our records, which contain logs, settings and the token of `xlm ui`.

    The folder of another user is not changed: it may be shared on purpose.
    """
    if home.stat().st_uid == os.geteuid():
        home.chmod(_OWNER_ONLY)


def _remove_pipes(home: Path) -> None:
    """Remove FIFOs from Prefect's folder: reading one would block forever."""
    for path in home.iterdir():
        if path.is_fifo() and not path.is_symlink():
            path.unlink(missing_ok=True)


def database_variables(home: Path) -> dict[str, str]:
    """The URL of the database in `home`, if Prefect itself would use another file.

    Prefect does not quote the path in the URL, so `%25` or `?` in it would name another file.
    """
    path = str(home / "prefect.db")
    if path == quote(path) or any(name in os.environ for name in _DATABASE):
        return {}
    return {_DATABASE[0]: f"sqlite+aiosqlite:///{quote(path)}"}


def use_server(client_variables: Mapping[str, str]) -> None:
    """Let this process and its children use a server that we started, with its own key only."""
    for name in _OF_ANOTHER_SERVER:
        os.environ.pop(name, None)
    os.environ |= client_variables


def unproxied_loopback() -> dict[str, str]:
    """Variables that keep requests to this machine off a proxy, and change no others."""
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
