"""A real PostgreSQL for tests, from `infra/postgresql/dev.sh`, and databases on it."""

import asyncio
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from tests.repository import REPOSITORY

_DEV = REPOSITORY / "infra" / "postgresql" / "dev.sh"


def is_installed() -> bool:
    """Whether the programs of PostgreSQL are on this machine."""
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return shutil.which("initdb") is not None or any(debian)


@dataclass(frozen=True)
class PostgreSQL:
    """A server in a folder."""

    folder: Path

    def dev(self, verb: str) -> str:
        """What a verb of the script prints."""
        command = [_DEV, verb, self.folder]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @property
    def server(self) -> str:
        """Host and port."""
        return urlsplit(self.dev("url")).netloc.rpartition("@")[2]

    def execute(self, *statements: str, database: str = "postgres") -> list[list[Any]]:
        """Run statements as the superuser; returns the rows of each."""
        return asyncio.run(self._execute(statements, database))

    async def _execute(self, statements: tuple[str, ...], database: str) -> list[list[Any]]:
        import asyncpg

        host, _, port = self.server.partition(":")
        connection = await asyncpg.connect(
            host=host,
            port=int(port),
            user="postgres",
            password=(self.folder / "superuser").read_text(),
            database=database,
        )
        try:
            return [await connection.fetch(statement) for statement in statements]
        finally:
            await connection.close()

    def new_database(self, password: str, options: str = "") -> str:
        """The URL of a new database with an owner of the same name."""
        name = f"test_{secrets.token_hex(4)}"
        quoted = password.replace("'", "''")
        self.execute(
            f"create role {name} login password '{quoted}'",
            f"create database {name} owner {name} {options}",
        )
        return f"postgresql://{name}:{quote(password, safe='')}@{self.server}/{name}"
