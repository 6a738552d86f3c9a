"""Where artifacts are shared. Nothing here can change an artifact's bytes."""

from pydantic import field_validator

from xlm.config.environment import credentials
from xlm.engine.config import Config, operational
from xlm.errors import ConfigError
from xlm.store.remote.url import CREDENTIALS_ADVICE, require_remote_url


class StoreConfig(Config):
    """The store that several machines share; the local one is named by --root."""

    remote: str | None = operational(
        None,
        description="URL of an object store, e.g. s3://bucket/folder: a run pulls from it what the "
        "local store lacks, and pushes what it builds. null: XLM_REMOTE, if it is set "
        "(docs/how-to/share-a-store.md).",
    )

    @field_validator("remote")
    @classmethod
    def _valid_url(cls, url: str | None) -> str | None:
        if url is None:
            return None
        bucket = url.partition("://")[2].split("/")[0]
        # User and password were removed from the URL when the setting was read.
        for entry in credentials().split():
            scheme, _, rest = entry.partition("://")
            place = rest.rpartition("@")[2].split("?")[0].split("/")[0]
            if url.startswith(f"{scheme}://") and place == bucket:
                raise ConfigError(
                    "store.remote contains credentials", fix=f"remove them; {CREDENTIALS_ADVICE}"
                )
        return require_remote_url(url)
