"""A PostgreSQL server for the tests of this folder, and a Prefect server on it."""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.shared_server.postgresql import PostgreSQL, is_installed
from tests.flows.shared_server.prefect_server import SharedServer


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A running server; its folder can be entered by the user that PostgreSQL runs as."""
    if not is_installed():
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="xlm-postgresql-"))
    folder.chmod(0o755)
    server = PostgreSQL(folder)
    try:
        server.dev("start")
        yield server
    finally:
        server.dev("stop")
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def server(
    postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SharedServer]:
    """A shared server without deployments."""
    one = SharedServer(tmp_path_factory.mktemp("server"), postgresql.new_database("pass"))
    one.start()
    try:
        yield one
    finally:
        one.end(signal.SIGTERM)
