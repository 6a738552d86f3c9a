"""The client that sends events, by the setting `lineage.openlineage` and the environment.

openlineage-python reads its own variables and `openlineage.yml`. Its documentation has all of them:
https://openlineage.io/docs/client/python/configuration.
"""

from pathlib import Path

from xlm.errors import ConfigError
from xlm.pipeline.openlineage.sending import Client

_SETTING = "lineage.openlineage"


def require_package() -> None:
    """Check that openlineage-python is installed.

    Raises:
        ConfigError: it is not.
    """
    try:
        import openlineage.client.client  # noqa: F401
    except ImportError:
        raise ConfigError(
            f"{_SETTING} needs the package openlineage-python",
            fix="install it with `pip install 'xlm-pipeline[lineage]'`",
        ) from None


def file_client(path: Path) -> Client:
    """A client that appends each event to a file, as one line of JSON."""
    from openlineage.client.client import OpenLineageClient
    from openlineage.client.transport.file import FileConfig, FileTransport

    transport = FileTransport(FileConfig(log_file_path=str(path), append=True))
    client: Client = OpenLineageClient(transport=transport)
    return client


def configured_client() -> Client:
    """The client that the environment or `openlineage.yml` describes.

    Raises:
        ConfigError: nothing describes one, or the description is not valid.
    """
    from openlineage.client.client import OpenLineageClient
    from openlineage.client.transport.console import ConsoleTransport

    try:
        client = OpenLineageClient()
    except Exception as error:
        raise ConfigError(
            f"the configuration of OpenLineage is not valid: {' '.join(str(error).split())}",
            fix="check OPENLINEAGE_URL and openlineage.yml",
        ) from error
    if isinstance(client.transport, ConsoleTransport):
        raise ConfigError(
            f"{_SETTING} is http, but no endpoint is configured",
            fix="set OPENLINEAGE_URL, e.g. http://localhost:5000, or write an openlineage.yml",
        )
    configured: Client = client
    return configured
