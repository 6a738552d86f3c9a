"""The remote store of a run or a command: from the configuration, else from XLM_REMOTE."""

from xlm.config.environment import remote_url, uses_plain_http
from xlm.config.pipeline import PipelineConfig
from xlm.errors import ConfigError
from xlm.store.remote.remote_store import RemoteStore
from xlm.store.remote.url import require_remote_url


def remote_of(config: PipelineConfig) -> RemoteStore | None:
    """Open the remote store of a run, if it has one; nothing is sent yet.

    Raises:
        ConfigError: the URL is not valid, or the package obstore is not installed.
        RemoteStoreError: the folder of a file:// URL does not exist.
    """
    url = config.store.remote or remote_url()
    return None if url is None else open_remote(url)


def require_remote(url: str | None) -> RemoteStore:
    """Open the remote store of a command: the one it names, else XLM_REMOTE.

    Raises:
        ConfigError: there is none; see `remote_of` for others.
    """
    chosen = url or remote_url()
    if chosen is None:
        raise ConfigError(
            "no remote store is set", fix="set XLM_REMOTE or --url, e.g. s3://bucket/folder"
        )
    return open_remote(chosen)


def open_remote(url: str) -> RemoteStore:
    """Open the remote store at a URL, with the settings of this machine."""
    return RemoteStore.open(require_remote_url(url), insecure=uses_plain_http())
