"""The URL of a remote store: which ones are accepted."""

import re

from xlm.errors import ConfigError
from xlm.redaction import redact

S3_SCHEMES = ("s3", "s3a")
_SCHEMES = (*S3_SCHEMES, "gs", "az", "adl", "azure", "abfs", "abfss", "file", "memory")
_WITHOUT_HOST = ("file", "memory")
CREDENTIALS_ADVICE = (
    "credentials come from the environment or the platform, e.g. AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY (docs/how-to/share-a-store.md)"
)


def require_remote_url(url: str) -> str:
    """Return the URL, without a slash at its end, if it names a folder of an object store.

    Raises:
        ConfigError: it does not, or it contains credentials. The message does not repeat them.
    """
    scheme, separator, rest = url.strip().partition("://")
    scheme = scheme.lower()
    host, _, path = rest.partition("/")
    what = None
    if not separator or not re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme):
        what = "is not a URL"
    elif scheme in ("http", "https"):
        what = f"has the scheme {scheme}://, which does not name an object store"
    elif scheme not in _SCHEMES:
        what = f"has the unsupported scheme {scheme}://"
    elif "@" in rest:
        raise ConfigError(
            f"the URL of the object store ({scheme}://...) contains credentials",
            fix=f"remove them; {CREDENTIALS_ADVICE}",
        )
    elif "?" in rest or "#" in rest:
        what = "has parameters"
    elif not rest.isprintable() or " " in rest or "\\" in rest:
        what = "contains white space, a control character or a backslash"
    elif not host and scheme not in _WITHOUT_HOST:
        what = "has no bucket"
    elif scheme == "file" and (host or not path.strip("/")):
        what = "does not name a folder, as in file:///mnt/shared/xlm"
    elif any(part in (".", "..") for part in path.split("/")) or "//" in f"/{path}":
        what = "has an empty part, . or .. in its path"
    if what is None:
        return f"{scheme}://{rest}".rstrip("/") if host or path else f"{scheme}:///"
    raise ConfigError(
        f"the URL of the object store, {redact(url)[:200]!r}, {what}",
        fix="write e.g. s3://bucket/folder, gs://bucket/folder or az://container/folder; the "
        "address of an S3-compatible server belongs in AWS_ENDPOINT_URL",
    )


def scheme_of(url: str) -> str:
    """The scheme of an accepted URL."""
    return url.partition("://")[0]
