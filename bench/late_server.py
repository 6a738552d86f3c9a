"""Runs the flow in a terminal with a Prefect server that starts after the imports.

`bench/cached_run.py` compares it with `xlm`, which starts the server before them. The arguments are
the same.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from flows.commands.main import main
from flows.server.access import ServerAccess
from flows.server.process import StartingServer, starting_server
from flows.terminal import console


class LateServer:
    """A server that starts at the first wait for it, which is after the imports."""

    def __init__(self, home: Path, access: ServerAccess, stack: ExitStack) -> None:
        self._home, self._access, self._stack = home, access, stack
        self._server: StartingServer | None = None

    def wait_until_ready(self) -> None:
        """Start the server and wait until it answers."""
        self._server = self._stack.enter_context(starting_server(self._home, self._access))
        self._server.wait_until_ready()

    def running(self) -> bool:
        """Whether the server runs."""
        return self._server is not None and self._server.running()


@contextmanager
def late_server(home: Path, access: ServerAccess) -> Iterator[LateServer]:
    """Replace `starting_server`."""
    with ExitStack() as stack:
        yield LateServer(home, access, stack)


if __name__ == "__main__":
    vars(console)["starting_server"] = late_server
    main()
