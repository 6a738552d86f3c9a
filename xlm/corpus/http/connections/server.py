"""Which server a connection counts for, and how many connections it allows at once."""

import httpx

_LEAST_STRICT = {"wikimedia.org": 2, "wikipedia.org": 2}
"""What operators publish for themselves, which no configuration raises. A mirror is another server.

Source: https://dumps.wikimedia.org, "maximum of 2 connections per IP".
"""
_DEFAULT_PORTS = (None, 80, 443)


def server_of(url: httpx.URL) -> str:
    """The server of a URL: its name, and its port if that is not the one of http or https.

    Names are compared without case, without a dot at the end, and encoded as IDNA.
    """
    name = url.raw_host.decode("ascii").lower().rstrip(".")
    return name if url.port in _DEFAULT_PORTS else f"{name}:{url.port}"


def limit_of(server: str, configured: int) -> int:
    """The number of connections to a server: the configured one, or what its operator allows."""
    for domain, allowed in _LEAST_STRICT.items():
        if server == domain or server.endswith(f".{domain}"):
            return min(allowed, configured)
    return configured
