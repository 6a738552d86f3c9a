"""Validates the proxy variables of the environment, and finds the proxy of a mirror.

HTTPX reads the same variables for requests to the servers themselves.
"""

from importlib.util import find_spec
from ipaddress import ip_address
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from xlm.config.environment import proxy_variables
from xlm.errors import ConfigError


def require_usable_proxies() -> None:
    """Check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY, in either case.

    Raises:
        ConfigError: a variable is not the URL of a supported proxy.
    """
    for name, value in proxy_variables().items():
        scheme = value.partition("://")[0].lower() if "://" in value else "http"
        # A URL that no parser accepts can contain a password.
        start = f"{scheme}://" if "://" in value and scheme.isalnum() else ""
        shown = f"{start}***@{value.rpartition('@')[2]}" if "@" in value else value
        if scheme in ("socks5", "socks5h") and find_spec("socksio") is not None:
            continue
        if scheme not in ("http", "https"):
            raise ConfigError(
                f"{name}={shown}: {scheme} proxies are not supported",
                fix=f"set {name} to an http:// or https:// proxy, or unset it"
                + ("; for SOCKS install socksio" if scheme.startswith("socks5") else ""),
            )
        try:
            parts = urlsplit(value if "://" in value else f"http://{value}")
            usable = bool(parts.hostname) and (parts.port or 1) > 0
            usable = usable and ("://" in value or parts.path in ("", "/"))
        except ValueError:
            usable = False
        if not usable or not value.isprintable() or " " in value:
            raise ConfigError(
                f"{name}={shown}: not the URL of a proxy",
                fix=f"write {name}=http://host:port, or unset it",
            )


def proxy_for(url: str) -> str | None:
    """The proxy for a server, with a scheme; None for this machine and the names in NO_PROXY."""
    parts, proxies = urlsplit(url), getproxies()
    host = parts.hostname or ""
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or _is_this_machine(host):
        return None
    name = f"[{host}]" if ":" in host else host
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if any(map(proxy_bypass, (host, name, f"{name}:{port}"))):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.rstrip(".") == "localhost" or host.endswith(".localhost")
