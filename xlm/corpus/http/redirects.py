"""Where a redirect may lead: to the same host, or to one that the configuration names.

Whoever can answer for a host could otherwise send a download anywhere, and what has no published
checksum would be taken from there.
"""

import httpx

from xlm.config.data.sources import NetworkConfig
from xlm.corpus.http.mirror import DownloadClient
from xlm.errors import SourceError

MOST_REDIRECTS = 10
_PORTS = {"http": 80, "https": 443}


def next_url(
    client: DownloadClient,
    asked: str,
    current: str,
    response: httpx.Response,
    network: NetworkConfig,
) -> str:
    """The URL that a redirect names, without user and password.

    Args:
        asked: the URL that the configuration gives, for errors.
        current: the one that answered.

    Raises:
        SourceError: it is not a web URL, leaves https, or leads to another host.
    """
    here = httpx.URL(current)
    location = response.headers.get("Location", "")
    try:
        target = here.join(location).copy_with(username=None, password=None, fragment=None)
    except (httpx.InvalidURL, ValueError) as fault:
        raise _refused(asked, location, "which is not a URL") from fault
    if target.scheme not in _PORTS or not target.host:
        raise _refused(asked, location, "which is not a web URL")
    mirror = client.mirror
    if mirror is not None and _host(target) == _host(mirror):
        here = mirror
    if here.scheme == "https" and target.scheme != "https":
        raise _refused(asked, str(target), "away from https")
    if not _same_host(here, target) and target.host not in network.redirect_hosts:
        raise SourceError(
            f"{asked}: redirected to another host, {target}",
            fix="if that is right, add the host: sources.network.redirect_hosts="
            f"[{target.host}]; else use a mirror (sources.mirror)",
        )
    return str(target)


def _refused(asked: str, location: str, why: str) -> SourceError:
    return SourceError(
        f"{asked}: redirected to {location[:200]!a}, {why}",
        fix="check the URL, or use a mirror (sources.mirror)",
    )


def _same_host(here: httpx.URL, target: httpx.URL) -> bool:
    if _host(here) == _host(target):
        return True
    # From the usual port of http to that of https: the same host, better protected.
    usual = all(_PORTS[url.scheme] == (url.port or _PORTS[url.scheme]) for url in (here, target))
    return here.host == target.host and usual


def _host(url: httpx.URL) -> tuple[str, int]:
    return url.host, url.port or _PORTS[url.scheme]
