"""Refuses requests to a server of this machine that do not come from pages of that server.

    refusal(scope["headers"])  # None, or the reason

A server on the loopback address needs two checks. A foreign page can make its own name resolve to
127.0.0.1, which the Host header shows. And any page can send requests to any URL, which the Origin
header shows.
"""

import re
from urllib.parse import urlsplit

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})

# Only a name and a port: `localhost/health?` would change the URL that a server derives
# from the header, and with it what the server lets through without a token.
_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.ASCII | re.IGNORECASE)

Headers = list[tuple[bytes, bytes]]
"""Names and values of HTTP headers, as ASGI has them."""


def refusal(headers: Headers, *, any_host: bool = False) -> str | None:
    """Why a request with these headers is refused; None if it is accepted.

    `any_host`: the server is also for other machines, so its name may be any.
    """
    hosts = _values(headers, b"host")
    if len(hosts) != 1 or not (any_host or _HOST.fullmatch(hosts[0])):
        return "the Host header does not name this machine"
    for origin in _values(headers, b"origin"):
        if origin != f"http://{hosts[0]}" and not _same_server(origin, hosts[0]):
            return "the request comes from a page of another site"
    return None


def _same_server(origin: str, host: str) -> bool:
    """Whether `origin` is this server: the same URL, or another loopback name with its port."""
    if not origin.startswith("http://") or not _HOST.fullmatch(origin.removeprefix("http://")):
        return False
    return _port_of(origin) == _port_of(f"http://{host}")


def _values(headers: Headers, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in headers if key.lower() == name]


def _port_of(url: str) -> int | None:
    try:
        return urlsplit(url).port or 80
    except ValueError:  # above 65535
        return None
