"""Checks the proxies of the environment before an HTTP client trips over them."""

from importlib.util import find_spec
from urllib.parse import urlsplit

from xlm.config.environment import proxy_variables
from xlm.errors import ConfigError


def require_usable_proxies() -> None:
    """Check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY, in either case.

    Raises:
        ConfigError: one of them is not a URL of a proxy that can be used.
    """
    for name, value in proxy_variables().items():
        scheme = value.partition("://")[0].lower() if "://" in value else "http"
        # A password can stand in a URL that no parser reads.
        start = f"{scheme}://" if "://" in value and scheme.isalnum() else ""
        shown = f"{start}***@{value.rpartition('@')[2]}" if "@" in value else value
        if scheme in ("socks5", "socks5h") and find_spec("socksio") is not None:
            continue
        if scheme not in ("http", "https"):
            raise ConfigError(
                f"{name}={shown}: a proxy of the kind {scheme} cannot be used",
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
