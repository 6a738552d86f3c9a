"""Refuses requests to the Prefect server that do not come from pages of this machine; adds pages.

Prefect compares a password. It lacks the checks of `xlm/loopback.py`, which a server on a desktop
needs, also for WebSockets, which browsers open to any URL.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from flows.server.reports import Answer, Reports
from xlm.loopback import refusal

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

SIGN_IN_PATH = "/sign-in"

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

    def __init__(self, app: App, reports: Reports | None = None) -> None:
        self._app, self._reports = app, reports

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Check Host and Origin of a request or a WebSocket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif reason := refusal(scope["headers"]):
            await _refuse(scope["type"], reason, send)
        elif scope["type"] == "http" and scope["path"] == SIGN_IN_PATH:
            await _answer(200, b"text/html; charset=utf-8", _SIGN_IN_PAGE, send)
        elif found := await self._report(scope):
            await _answer(found.status, found.content_type, found.body, send, *found.headers)
        else:
            await self._app(scope, receive, send)

    async def _report(self, scope: Message) -> Answer | None:
        if self._reports is None or scope["type"] != "http" or scope["method"] != "GET":
            return None
        authorization = dict(scope["headers"]).get(b"authorization", b"")
        return await asyncio.to_thread(self._reports.answer, scope["path"], authorization)


async def _refuse(kind: str, reason: str, send: Send) -> None:
    if kind == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
    else:
        await _answer(403, b"text/plain; charset=utf-8", reason.encode(), send)


async def _answer(
    status: int, content_type: bytes, body: bytes, send: Send, *others: tuple[bytes, bytes]
) -> None:
    headers = [
        (b"content-type", content_type),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *others,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
