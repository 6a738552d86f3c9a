"""One PostgreSQL server for the tests of this folder."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.shared_server.postgresql import PostgreSQL, is_installed


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
