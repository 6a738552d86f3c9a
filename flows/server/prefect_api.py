"""The Prefect API that PREFECT_API_URL names: the URL as users write it, and whether it answers.

if url := given_api_url():      # without slashes at its end, also for Prefect
    require_server(url)
shown_url(url)                  # for messages: without user and password
"""

import os
import re
import threading
import urllib.error
import urllib.request
from base64 import b64encode
from http.client import HTTPException
from urllib.parse import unquote, urlsplit

from xlm.errors import ToolError

API_URL = "PREFECT_API_URL"
_KEYS = ("PREFECT_API_AUTH_STRING", "PREFECT_API_KEY")
_UNSET = "unset the variable; runs do not need it"
_ESCAPES = "in the password, write @ as %40, / as %2F, : as %3A, ? as %3F, # as %23 and % as %25"
_ANSWER_SECONDS = 10.0
_ANSWER_BYTES = 1000
_REFUSED = (401, 403)
_CLOUD = ".prefect.cloud"


def given_api_url() -> str:
    """The URL in the environment; empty if there is none.

    A slash at its end is removed there too: Prefect would send some requests to `/api//...`.
    """
    given = os.environ.get(API_URL, "").strip()
    url = given.rstrip("/") or given
    if url:
        os.environ[API_URL] = url
    return url


def shown_url(url: str) -> str:
    """The URL without user and password, whatever characters they have.

    Everything before the last @ may belong to a password with an unescaped character.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        return url.rpartition("@")[2]
    return f"{scheme}://{rest.rpartition('@')[2]}"


def is_cloud(url: str) -> bool:
    """Whether this is the URL of Prefect Cloud, which has other paths and no version."""
    return (urlsplit(url).hostname or "").endswith(_CLOUD)


def require_server(url: str, *, optional: bool = True) -> None:
    """Check that a URL is that of a Prefect API that accepts our key.

    Args:
        url: the value of PREFECT_API_URL.
        optional: the command also works without that server, and errors say so.

    Raises:
        ToolError: the server does not answer in time, is not a Prefect API, or refuses the key.
    """
    shown = shown_url(url)
    otherwise = f", or {_UNSET}" if optional else ""
    _require_url(url, shown, optional=optional)
    if is_cloud(url):
        return  # it answers nothing without a key
    status, body = _ask(url, "health", fix=f"start it{otherwise}")
    if status in _REFUSED:
        raise _refused(shown, status)
    if status != 200 or body.strip() != b"true":
        answer = f"status {status}" if status != 200 else "an unexpected body"
        raise ToolError(
            f"{API_URL} {shown} is not a Prefect API: it returned {answer}",
            fix=f"correct the URL, which ends in /api{otherwise}",
        )
    status, _ = _ask(url, "admin/version", fix=f"start it{otherwise}")
    if status in _REFUSED:
        raise _refused(shown, status)


def _require_url(url: str, shown: str, *, optional: bool) -> None:
    _, separator, rest = url.partition("://")
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    if separator and "@" in rest and not re.fullmatch(r"[^@\s]+@[^@\s]+", authority):
        raise ToolError(f"{API_URL} {shown!r} is not a valid URL", fix=_ESCAPES)
    try:
        parts = urlsplit(url)
        is_http = parts.scheme in ("http", "https") and parts.port != 0 and bool(parts.hostname)
        is_plain = not parts.query and not parts.fragment and re.fullmatch(r"\S+", url)
    except ValueError:  # of a port or an IPv6 address
        is_http = is_plain = False
    if not is_http or not is_plain:
        fix = "write http://HOST:4200/api"
        raise ToolError(
            f"{API_URL} {shown!r} is not a URL", fix=f"{fix}, or {_UNSET}" if optional else fix
        )


def _refused(shown: str, status: int) -> ToolError:
    given = " and ".join(name for name in _KEYS if os.environ.get(name))
    return ToolError(
        f"the server at {API_URL} {shown} refused the request (status {status})",
        fix=f"correct {given}" if given else f"set {' or '.join(_KEYS)}",
    )


def _ask(url: str, path: str, *, fix: str) -> tuple[int, bytes]:
    """Status and first bytes of an answer, within a time limit for the whole exchange."""
    answers: list[tuple[int, bytes] | Exception] = []

    def ask() -> None:
        try:
            # urllib takes a user for a part of the host, and shows the password in its errors.
            address = f"{shown_url(url).rstrip('/')}/{path}"
            request = urllib.request.Request(address, headers=_authorization(url))
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
    if isinstance(answer, ValueError):  # its text has the header with the key
        reason = f"the URL or {' or '.join(_KEYS)} has characters that HTTP does not allow"
    what = f"no Prefect server at {shown_url(url)} ({API_URL}): {reason}"
    raise ToolError(what, fix=fix) from answer


def _authorization(url: str) -> dict[str, str]:
    """The key that Prefect would send; a user in the URL has priority there too."""
    parts = urlsplit(url)
    if parts.username or parts.password:
        owner = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        return {"Authorization": f"Basic {b64encode(owner.encode()).decode()}"}
    if owner := os.environ.get("PREFECT_API_AUTH_STRING", ""):
        return {"Authorization": f"Basic {b64encode(owner.encode()).decode()}"}
    if key := os.environ.get("PREFECT_API_KEY", "").strip():
        return {"Authorization": f"Bearer {key}"}
    return {}
