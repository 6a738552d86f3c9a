"""Connects to an object store with obstore, which is imported only here.

Credentials, the region and the address of the server come from the environment or the platform, as
obstore reads them: AWS_*, GOOGLE_*, AZURE_*, and the metadata services of clouds.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

from xlm.errors import ConfigError, RemoteStoreError
from xlm.store.remote.faults import translated
from xlm.store.remote.url import S3_SCHEMES, require_remote_url, scheme_of

CONNECT_SECONDS = 5
SILENT_SECONDS = 300
"""A request without an answer for so long is repeated. On a slow line, a part takes that long."""


RETRIES = 4
RETRY_SECONDS = 25
"""A request is repeated so often and for so long; transfers are tried again after that."""


def connect(url: str, *, insecure: bool = False) -> Any:
    """Return obstore's object store for a URL; nothing is sent yet.

    Args:
        url: the URL of the object store.
        insecure: whether http:// is allowed, for servers that are named by such an address.

    Raises:
        ConfigError: obstore is not installed, or the URL is not valid.
        RemoteStoreError: the folder of a file:// URL does not exist, or a setting is missing.
    """
    url = require_remote_url(url)
    try:
        from obstore.store import LocalStore, MemoryStore, from_url
    except ImportError:
        raise ConfigError(
            "an object store needs the package obstore, which is not installed",
            fix="install xlm-pipeline[remote]",
        ) from None
    scheme = scheme_of(url)
    try:
        if scheme == "memory":
            return MemoryStore()
        if scheme == "file":
            # A share that is not mounted must not become a folder of this disk.
            return LocalStore(prefix=Path(url.removeprefix("file://")))
        # Not every server deletes several objects in one request.
        config: Any = {"aws_disable_bulk_delete": "true"} if scheme in S3_SCHEMES else None
        backoff: Any = {
            "init_backoff": timedelta(milliseconds=200),
            "max_backoff": timedelta(seconds=10),
            "base": 2,
        }
        return from_url(
            url,
            config=config,
            client_options={
                "allow_http": insecure,
                "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
                "read_timeout": timedelta(seconds=SILENT_SECONDS),
                "timeout": timedelta(hours=1),
            },
            retry_config={
                "backoff": backoff,
                "max_retries": RETRIES,
                "retry_timeout": timedelta(seconds=RETRY_SECONDS),
            },
        )
    except Exception as error:
        found = translated(error, url, "opening")
        if "Account must be specified" in str(error):
            raise RemoteStoreError(
                f"the object store {url} has no account", fix="set AZURE_STORAGE_ACCOUNT_NAME"
            ) from None
        raise found from None
