"""Refuses requests to the Prefect server that do not come from pages of this machine.

Prefect compares a password. It lacks two checks that a server on a desktop needs: the Host header
(a foreign page can make its own name resolve to 127.0.0.1) and the origin of a WebSocket, which
browsers open to any URL.
"""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
SIGN_IN_PATH = "/sign-in"

# Only a name and a port: `localhost/health?` would change the URL that a server derives
# from the header, and with it what the server lets through without a token.
_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.ASCII | re.IGNORECASE)

# The token comes after `#`, which browsers do not send. Both of Prefect's UIs read this entry.
_SIGN_IN_PAGE = b"""<!doctype html><meta charset="utf-8"><title>xlm</title>
<script>
const token = decodeURIComponent(location.hash.slice(1));
if (token) localStorage.setItem("prefect-password", btoa(token));
location.replace("/");
</script>
"""


class ServerGuard:
    """An ASGI application that passes requests on to another one, or answers 403."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Check Host and Origin of a request or a WebSocket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif reason := refusal(scope["headers"]):
            await _refuse(scope["type"], reason, send)
        elif scope["type"] == "http" and scope["path"] == SIGN_IN_PATH:
            await _answer(200, b"text/html; charset=utf-8", _SIGN_IN_PAGE, send)
        else:
            await self._app(scope, receive, send)


def refusal(headers: list[tuple[bytes, bytes]]) -> str | None:
    """Why a request with these headers is refused; None if it is accepted."""
    hosts = _values(headers, b"host")
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
        return "the Host header does not name this machine"
    for origin in _values(headers, b"origin"):
        if not _same_server(origin, hosts[0]):
            return "the request comes from a page of another site"
    return None


def _same_server(origin: str, host: str) -> bool:
    """Whether `origin` is this server: the same URL, or another loopback name with its port."""
    if not origin.startswith("http://") or not _HOST.fullmatch(origin.removeprefix("http://")):
        return False
    return _port_of(origin) == _port_of(f"http://{host}")


def _values(headers: list[tuple[bytes, bytes]], name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in headers if key.lower() == name]


def _port_of(url: str) -> int | None:
    try:
        return urlsplit(url).port or 80
    except ValueError:  # above 65535
        return None


async def _refuse(kind: str, reason: str, send: Send) -> None:
    if kind == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
    else:
        await _answer(403, b"text/plain; charset=utf-8", reason.encode(), send)


async def _answer(status: int, content_type: bytes, body: bytes, send: Send) -> None:
    headers = [(b"content-type", content_type), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
