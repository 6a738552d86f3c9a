"""Finds Prefect's server, and sets the environment that Prefect runs in."""

import os
import threading
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryFile
from urllib.parse import quote, urlsplit

from xlm.errors import ConfigError, ToolError

_OF_ANOTHER_SERVER = ("PREFECT_API_KEY", "PREFECT_API_AUTH_STRING", "PREFECT_PROFILE")
"""Keys and profiles for another server: ours must not get them, and we must not use them."""
_DATABASE = ("PREFECT_SERVER_DATABASE_CONNECTION_URL", "PREFECT_API_DATABASE_CONNECTION_URL")
_OWNER_ONLY = 0o700
_PROBE_SECONDS = 1.0
_ANSWER_SECONDS = 10.0
_ANSWER_BYTES = 1000
_REFUSED = (401, 403)
_KEYS = ("PREFECT_API_AUTH_STRING", "PREFECT_API_KEY")
_UNSET = "unset the variable; runs do not need it"
_CLOUD = ".prefect.cloud"
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


def is_cloud(url: str) -> bool:
    """Whether this is the URL of Prefect Cloud, which has other paths and no version."""
    return (urlsplit(url).hostname or "").endswith(_CLOUD)


def require_server(url: str, *, optional: bool = True) -> None:
    """Check that PREFECT_API_URL is the URL of a Prefect API that accepts our key.

    `optional`: the command also works without that server, and errors say so.

    Raises:
        ToolError: the server does not answer in time, is not a Prefect API, or refuses the key.
    """
    shown = _without_credentials(url)
    otherwise = f", or {_UNSET}" if optional else ""
    if not _is_http(url):
        raise ToolError(
            f"PREFECT_API_URL {shown!r} is not a URL",
            fix=_UNSET if optional else "write http://HOST:4200/api",
        )
    if is_cloud(url):
        return  # it answers nothing without a key
    status, body = _ask(f"{url}/health", shown, fix=f"start it{otherwise}")
    if status in _REFUSED:
        raise _refused(shown, status)
    if status != 200 or body.strip() != b"true":
        answer = f"status {status}" if status != 200 else "an unexpected body"
        raise ToolError(
            f"PREFECT_API_URL {shown} is not a Prefect API: it returned {answer}",
            fix=f"correct the URL, which ends in /api{otherwise}",
        )
    status, _ = _ask(f"{url}/admin/version", shown, fix=f"start it{otherwise}")
    if status in _REFUSED:
        raise _refused(shown, status)


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:  # of a port or an IPv6 address
        return False


def _refused(shown: str, status: int) -> ToolError:
    given = " and ".join(name for name in _KEYS if os.environ.get(name))
    return ToolError(
        f"the server at PREFECT_API_URL {shown} refused the request (status {status})",
        fix=f"correct {given}" if given else f"set {' or '.join(_KEYS)}",
    )


def _ask(url: str, shown: str, *, fix: str) -> tuple[int, bytes]:
    """Status and first bytes of an answer, within a time limit for the whole exchange."""
    answers: list[tuple[int, bytes] | Exception] = []

    def ask() -> None:
        try:
            request = urllib.request.Request(url, headers=_authorization())
            with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS) as reply:
                answers.append((reply.status, reply.read(_ANSWER_BYTES)))
        except urllib.error.HTTPError as error:
            answers.append((error.code, b""))
            error.close()
        except (OSError, ValueError, HTTPException) as error:
            answers.append(error)

    # A server that sends a byte now and then never exceeds the timeout of a socket.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_ANSWER_SECONDS)
    answer = answers[0] if answers else TimeoutError(f"no answer in {_ANSWER_SECONDS:.0f} s")
    if isinstance(answer, tuple):
        return answer
    reason = " ".join(str(getattr(answer, "reason", answer)).split()) or type(answer).__name__
    raise ToolError(
        f"no Prefect server at {shown} (PREFECT_API_URL): {reason}", fix=fix
    ) from answer


def _authorization() -> dict[str, str]:
    if owner := os.environ.get("PREFECT_API_AUTH_STRING"):
        return {"Authorization": f"Basic {b64encode(owner.encode()).decode()}"}
    if key := os.environ.get("PREFECT_API_KEY"):
        return {"Authorization": f"Bearer {key}"}
    return {}


def _without_credentials(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
