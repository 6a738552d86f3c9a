"""A Prefect server for the time of one run, where no lasting one answers.

Prefect can start one by itself, but then settings files win over it (this project's pyproject.toml
names the address of `xlm ui`), a killed run leaves it behind, and it counts its start in steps
instead of seconds. This one runs under our guard and dies with us.
"""

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xlm.cli.prefect_environment import api_url, server_answers
from xlm.errors import ToolError
from xlm.launch.process import run_process
from xlm.store.locks import build_lock

_START_SECONDS = 180.0
_FLUSH_SECONDS = 1.0
"""The server writes the last events of a run in batches; its records are whole after that."""


class _StopRequestedError(Exception):
    """Ends the server from inside of the loop that waits for it."""


@contextmanager
def temporary_server(home: Path) -> Iterator[str]:
    """A server with its records in `home`; yields the address of its API.

    Raises:
        ToolError: it does not answer within three minutes.
    """
    port = _free_port()
    stop = threading.Event()
    failure: list[ToolError] = []
    serving = threading.Thread(target=_serve, args=(port, home, stop, failure), daemon=True)
    try:
        # Two servers that set up one database at once stop each other.
        with build_lock(home, "server-start"):
            serving.start()
            _wait_until_it_answers(port, serving, failure)
        yield api_url(port)
        time.sleep(_FLUSH_SECONDS)
    finally:
        stop.set()
        if serving.is_alive():
            serving.join()


def _serve(port: int, home: Path, stop: threading.Event, failure: list[ToolError]) -> None:
    def leave_when_asked() -> None:
        if stop.is_set():
            raise _StopRequestedError

    try:
        run_process(
            [sys.executable, "-P", "-m", "prefect", "server", "start", "--port", str(port)],
            log_path=home / "server.log",
            environment={"PREFECT_HOME": str(home), "PREFECT_SERVER_UI_ENABLED": "false"},
            on_wait=leave_when_asked,
        )
    except _StopRequestedError:
        return
    except ToolError as error:
        *_, said = error.what.split(" | ")
        failure.append(ToolError(f"the Prefect server ended: {said}", fix=error.fix))


def _wait_until_it_answers(port: int, serving: threading.Thread, failure: list[ToolError]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not server_answers(api_url(port)):
        if failure:
            raise failure[0]
        if not serving.is_alive() or time.monotonic() > deadline:
            raise ToolError("the Prefect server did not answer", fix="see prefect/server.log")
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
