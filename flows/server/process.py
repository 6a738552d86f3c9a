"""Runs a Prefect server under our guard: it starts while we work, and dies with us.

with starting_server(home, access) as server:
    ...                       # Import what takes a second or two.
    server.wait_until_ready()

Prefect can start one by itself, but then settings files win over it (this project's pyproject.toml
names the URL of `xlm ui`), a killed run leaves it running, and anybody may use it.
"""

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from flows.server.access import ServerAccess
from flows.server.environment import database_variables, server_answers
from xlm.errors import ToolError
from xlm.processes.programs import run_process
from xlm.store.disk.locks import build_lock

_START_SECONDS = 180.0
_FLUSH_SECONDS = 1.0
"""The server writes the last events of a run in batches; its records are whole after that."""


class _StopRequestedError(Exception):
    """Ends the server from inside of the loop that waits for it."""


class StartingServer:
    """A server process that a thread of ours watches."""

    def __init__(self, home: Path, access: ServerAccess, *, with_ui: bool) -> None:
        self.access = access
        self._log = home / "server.log"
        self._variables = (
            access.server_variables()
            | database_variables(home)
            | {
                "PREFECT_HOME": str(home),
                "PREFECT_SERVER_UI_ENABLED": str(with_ui).lower(),
            }
        )
        self._stop = threading.Event()
        self._failure: ToolError | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._starting = ExitStack()
        # Two servers that set up one database at once stop each other.
        self._starting.enter_context(build_lock(home, "server-start"))
        self._thread.start()

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
        """Whether the server has not ended."""
        return self._thread.is_alive()

    def require_running(self) -> None:
        """Raise what ended the server, if it has ended.

        Raises:
            ToolError: it did.
        """
        if self._failure is not None:
            raise self._failure
        if not self.running():
            raise ToolError("the Prefect server ended", fix=f"see {self._log}")

    def stop(self) -> None:
        """End the server and wait for its end."""
        self._starting.close()
        self._stop.set()
        self._thread.join()

    def _serve(self) -> None:
        try:
            run_process(
                [sys.executable, "-P", "-m", "flows.server.app", str(self.access.port)],
                log_path=self._log,
                environment=self._variables,
                on_wait=self._leave_when_asked,
            )
        except _StopRequestedError:
            return
        except ToolError as error:
            *_, said = error.what.split(" | ")
            self._failure = ToolError(f"the Prefect server ended: {said}", fix=error.fix)

    def _leave_when_asked(self) -> None:
        if self._stop.is_set():
            raise _StopRequestedError


@contextmanager
def starting_server(
    home: Path, access: ServerAccess, *, with_ui: bool = False
) -> Iterator[StartingServer]:
    """Start a server with its records in `home`, and end it with the context."""
    server = StartingServer(home, access, with_ui=with_ui)
    try:
        yield server
        time.sleep(_FLUSH_SECONDS)
    finally:
        server.stop()


@contextmanager
def temporary_server(home: Path) -> Iterator[ServerAccess]:
    """A server that answers, with a token of its own, while the context lasts.

    Raises:
        ToolError: it does not start.
    """
    with starting_server(home, ServerAccess.new(free_port())) as server:
        server.wait_until_ready()
        yield server.access


def free_port() -> int:
    """A port on which nothing listens at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def require_free_port(port: int) -> None:
    """Refuse a port that another program has.

    Raises:
        ToolError: it does.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise ToolError(
                f"port {port} cannot be used: {getattr(error, 'strerror', None) or error}",
                fix="stop what uses it, or choose another with --port",
            ) from error
