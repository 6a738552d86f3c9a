"""Runs a Prefect server under the guard of `xlm/processes`: it cannot outlive us.

with starting_server(home, access) as server:
    ...                       # slow imports, while it starts
    server.wait_until_ready()

Prefect can start a server itself. But then settings files override it (this project's
pyproject.toml has the URL of `xlm ui`), a killed run leaves it running, and anybody may use it.
"""

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from flows.server.access import ServerAccess
from flows.server.database import Database, take_database
from flows.server.environment import database_variables, server_answers
from flows.server.postgresql import require_usable
from xlm.errors import ToolError
from xlm.processes.child import GuardedChild
from xlm.processes.follow import log_tail
from xlm.store.disk.filesystem import open_to_append
from xlm.store.disk.locks import build_lock

_START_SECONDS = 180.0
_FLUSH_SECONDS = 1.0
"""The server writes the last events of a run in batches; its records are complete after that."""


class StartingServer:
    """A server process; it may still be starting."""

    def __init__(
        self,
        home: Path,
        access: ServerAccess,
        *,
        with_ui: bool,
        database: Database | None,
        reports: Path | None,
    ) -> None:
        self.access = access
        self.has_shared_database = database is not None
        self._log = home / "server.log"
        of_database = database.variables() if database else database_variables(home)
        variables = access.server_variables() | of_database
        variables |= {
            "PREFECT_HOME": str(home),
            "PREFECT_SERVER_UI_ENABLED": str(with_ui).lower(),
        }
        arguments = [str(access.port), *([str(reports)] if reports else [])]
        self._starting = ExitStack()
        # Two servers that set up one database at once stop each other.
        self._starting.enter_context(build_lock(home, "server-start"))
        try:
            with open_to_append(self._log) as log:
                self._start_bytes = log.seek(0, os.SEEK_END)
                self._child = GuardedChild(
                    [sys.executable, "-P", "-m", "flows.server.app", *arguments],
                    output=log.fileno(),
                    errors=log.fileno(),
                    environment=variables,
                    keep_locks=False,
                )
        except BaseException:
            self._starting.close()
            raise

    def wait_until_ready(self) -> None:
        """Return when the API answers.

        Raises:
            ToolError: the server ended, or does not answer within three minutes.
        """
        deadline = time.monotonic() + _START_SECONDS
        with self._starting:
            while not server_answers(self.access.api_url):
                self.require_running()
                if time.monotonic() > deadline:
                    raise ToolError("the Prefect server does not answer", fix=f"see {self._log}")
                time.sleep(0.05)

    def running(self) -> bool:
        """Whether the server runs."""
        return not self._child.ended()

    def require_running(self) -> None:
        """Check that the server runs.

        Raises:
            ToolError: it has ended.
        """
        if not self.running():
            *_, last = log_tail(self._log, self._start_bytes).split(" | ")
            raise ToolError(f"the Prefect server exited: {last}", fix=f"see {self._log}")

    def stop(self) -> None:
        """End the server and wait for its end."""
        self._starting.close()
        self._child.close()


@contextmanager
def starting_server(
    home: Path,
    access: ServerAccess,
    *,
    reports: Path | None = None,
    with_ui: bool = False,
    database_url: str | None = None,
) -> Iterator[StartingServer]:
    """Start a server with its records in `home`, or in a database; it ends with the context.

    Args:
        reports: the folder of the reports that it shows; None: it shows none.
        database_url: of PostgreSQL; without it, the environment may name a database.

    Raises:
        XlmError: the database cannot be used.
    """
    database = take_database(database_url)
    if database is not None:
        require_usable(database)
    server = StartingServer(home, access, with_ui=with_ui, database=database, reports=reports)
    try:
        yield server
        time.sleep(_FLUSH_SECONDS)
    finally:
        server.stop()


@contextmanager
def temporary_server(home: Path) -> Iterator[ServerAccess]:
    """A running server with its own token, which ends with the context.

    Raises:
        ToolError: it does not start.
    """
    with starting_server(home, ServerAccess.new(free_port())) as server:
        server.wait_until_ready()
        yield server.access


def free_port() -> int:
    """A port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def require_free_port(port: int) -> None:
    """Check that the port is free.

    Raises:
        ToolError: another program uses it.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise ToolError(
                f"port {port} cannot be used: {getattr(error, 'strerror', None) or error}",
                fix="stop the program that uses it, or choose another with --port",
            ) from error
