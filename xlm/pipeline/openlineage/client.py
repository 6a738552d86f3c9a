"""The client that sends events, by the setting `lineage.openlineage` and the environment.

openlineage-python reads its own variables and `openlineage.yml`. Its documentation has all of them:
https://openlineage.io/docs/client/python/configuration.
"""

import importlib
import os
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from xlm.errors import ConfigError
from xlm.pipeline.openlineage.sending import Client

OLDEST = (1, 54)
"""As in the extra `lineage` of pyproject.toml."""
_PACKAGE = "openlineage-python"
_SETTING = "lineage.openlineage"
_INSTALL = "install it with `pip install --upgrade 'xlm-pipeline[lineage]'`"
_NUMBER = re.compile(r"\d+")


def require_package() -> None:
    """Check that openlineage-python is installed, and that events can be made with it.

    Raises:
        ConfigError: it is not installed, too old, or broken.
    """
    try:
        found = version(_PACKAGE)
    except PackageNotFoundError:
        raise ConfigError(f"{_SETTING} needs the package {_PACKAGE}", fix=_INSTALL) from None
    if tuple(int(part) for part in _NUMBER.findall(found)[:2]) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ConfigError(
            f"{_SETTING} needs {_PACKAGE} {oldest} or later, and {found} is installed", fix=_INSTALL
        )
    try:
        importlib.import_module("xlm.pipeline.openlineage.events")
        file_client(Path(os.devnull))
    except Exception as error:
        raise ConfigError(
            f"{_SETTING}: {_PACKAGE} {found} cannot be used "
            f"({type(error).__name__}: {' '.join(str(error).split())})",
            fix=_INSTALL,
        ) from error


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
