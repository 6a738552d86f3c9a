"""Decides where a redirect may lead: to the same server, or to one that the configuration names.

Otherwise anyone who can answer for a server could redirect a download anywhere, and a file without
a published checksum would be accepted from there.
"""

import httpx

from xlm.config.data.sources import NetworkConfig
from xlm.corpus.http.client import DownloadClient
from xlm.errors import SourceError

MAX_REDIRECTS = 10
_PORTS = {"http": 80, "https": 443}


def next_url(
    client: DownloadClient,
    configured: str,
    current: str,
    response: httpx.Response,
    network: NetworkConfig,
) -> str:
    """The target of a redirect, without user and password.

    Args:
        configured: the URL in the configuration, for error messages.
        current: the URL that answered with the redirect.

    Raises:
        SourceError: the target is not a web URL, leaves https, or is on another server.
    """
    here = httpx.URL(current)
    location = response.headers.get("Location", "")
    try:
        target = here.join(location).copy_with(username=None, password=None, fragment=None)
    except (httpx.InvalidURL, ValueError) as fault:
        raise _refused(configured, location, "which is not a URL") from fault
    if target.scheme not in _PORTS or not target.host:
        raise _refused(configured, location, "which is not a web URL")
    mirror = client.mirror
    if mirror is not None and _host(target) == _host(mirror):
        here = mirror
    if here.scheme == "https" and target.scheme != "https":
        raise _refused(configured, str(target), "away from https")
    if not _same_host(here, target) and target.host not in network.redirect_hosts:
        raise SourceError(
            f"{configured}: redirected to another server, {target}",
            fix="if that is right, add it: sources.network.redirect_hosts="
            f"[{target.host}]; else use a mirror (sources.mirror)",
        )
    return str(target)


def _refused(configured: str, location: str, why: str) -> SourceError:
    return SourceError(
        f"{configured}: redirected to {location[:200]!a}, {why}",
        fix="check the URL, or use a mirror (sources.mirror)",
    )


def _same_host(here: httpx.URL, target: httpx.URL) -> bool:
    if _host(here) == _host(target):
        return True
    # From the default port of http to that of https: the same server, better protected.
    default = all(_PORTS[url.scheme] == (url.port or _PORTS[url.scheme]) for url in (here, target))
    return here.host == target.host and default


def _host(url: httpx.URL) -> tuple[str, int]:
    return url.host, url.port or _PORTS[url.scheme]
