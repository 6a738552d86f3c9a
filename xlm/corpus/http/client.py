"""Opens the HTTP client of all downloads, for the real servers or for a mirror.

with open_client(mirror="../shared/mirror", network=NetworkConfig()) as client:
    client.get("https://dumps.wikimedia.org/swwiki/20261101/dumpstatus.json")
"""

import logging
from importlib.metadata import version

import httpx

from xlm.config.data.sources import NetworkConfig
from xlm.config.reading.proxies import require_usable_proxies
from xlm.corpus.http.authorization import authorize, hide_secrets
from xlm.corpus.http.connections.server import server_of
from xlm.corpus.http.mirror import MirrorServerTransport, mirror_transport
from xlm.redaction import redact

log = logging.getLogger("httpx")


class DownloadClient(httpx.Client):
    """An HTTP client that knows which server it connects to."""

    mirror: httpx.URL | None = None
    """The URL of the mirror; None without a mirror, and for a mirror in a local folder."""
    mirror_name: str = ""
    """The mirror as it is configured, without secrets; empty without one."""
    is_local: bool = False
    """Whether it reads from a local folder, and connects to no server."""

    def server_of(self, url: str) -> str:
        """The server that is asked for a URL, as connections are counted: that of a mirror."""
        return server_of(self.mirror or httpx.URL(url))


def open_client(mirror: str | None, network: NetworkConfig) -> DownloadClient:
    """Open a client.

    Args:
        mirror: a folder or a URL that replaces all servers; None uses the real servers.

    Raises:
        ConfigError: the mirror or a proxy is not usable.
    """
    require_usable_proxies()
    transport = None if mirror is None else mirror_transport(mirror)
    log.addFilter(hide_secrets)
    client = DownloadClient(
        transport=transport,
        timeout=network.timeout_seconds,
        # Each request opens its own connection, because its watchdog needs the socket.
        limits=httpx.Limits(max_keepalive_connections=0),
        # A content encoding would make it unclear which bytes to store.
        headers={
            "Accept-Encoding": "identity",
            "User-Agent": f"xlm-pipeline/{version('xlm-pipeline')}",
        },
    )
    client.mirror_name = redact(mirror or "")
    if isinstance(transport, MirrorServerTransport):
        client.mirror = transport.mirror
    elif transport is not None:
        client.is_local = True
    else:
        client.event_hooks = {"request": [authorize]}
    return client
