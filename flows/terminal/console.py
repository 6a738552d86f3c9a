"""The flow in a terminal, for `xlm run`.

If `xlm ui` runs on the same root, or PREFECT_API_URL names a server, that server records the run
and shows it in its UI. Otherwise a server is started for the run, with its records in the root.
"""

import atexit
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from flows.server.access import ServerAccess, find_access
from flows.server.environment import server_answers, set_up_home, use_server
from flows.server.prefect_api import given_api_url, require_server
from flows.server.process import StartingServer, free_port, starting_server
from flows.terminal.interruption import Interruption
from flows.terminal.live import LiveView, RunConsole
from flows.terminal.program import require_valid_settings
from flows.ui.terminal_runs import note_run
from xlm.config.pipeline import PipelineConfig
from xlm.config.reading.warnings import config_warnings
from xlm.engine.events import Observer, Observers
from xlm.errors import ToolError, XlmError
from xlm.pipeline.request import RunRequest
from xlm.processes.signals import END_SIGNALS

_SILENT = ("prefect", "EventsWorker", "APILogWorker")
"""Loggers of Prefect: the server records their lines, and our view shows one line for each."""
_RECORDED = ("prefect.flow_runs", "prefect.task_runs")
"""Loggers that the page of the run in the UI shows."""
_UNREACHABLE = "Failed to reach API"
"""Prefect's RuntimeError when a server stops between our question and its own."""
_DELIVERY_SECONDS = 10.0
"""Time limit for each of Prefect's two senders."""


def run_in_terminal(request: RunRequest, config: PipelineConfig) -> NoReturn:
    """Run the flow and exit; the code is 0 only if every selected node is in the store.

    Signals are blocked when this is called.
    """
    root = Path(os.environ["XLM_ROOT"])
    console = RunConsole()
    view = LiveView(console, remarks=config_warnings(config))
    interruption = Interruption(
        save_seconds=config.pretrain.save_seconds,
        answer=view.answered if console.is_terminal else None,
    )
    interruption.listen()
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, END_SIGNALS)
        with view, _prefect(root) as server:
            _print_warnings(view)
            _run(request, root, Observers([view, interruption]), server)
    except (XlmError, OSError) as error:
        sys.stderr.write(f"xlm: {error}\n")
        _leave(error.exit_code if isinstance(error, XlmError) else 1)
    except KeyboardInterrupt as interrupt:
        sys.stderr.write(f"xlm: {interruption.last_line()}\n")
        _leave(interruption.exit_code(interrupt))
    _leave(0)


def _leave(code: int) -> NoReturn:
    """Exit without waiting for Prefect's threads, which try to reach a server for a minute."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    atexit._run_exitfuncs()
    os._exit(code)


def _run(
    request: RunRequest, root: Path, observer: Observer, server: StartingServer | None
) -> None:
    # Prefect reads its settings when it is imported, so the server must be known.
    require_valid_settings()
    from httpx import HTTPError
    from prefect import tags

    from flows.full_pipeline import full_pipeline
    from flows.submission import extra_observer
    from flows.ui.abandoned import end_killed_runs

    if server is not None:
        server.wait_until_ready()  # It has been starting during the imports above.
    _log_to_the_server_only()
    extra_observer.set(observer)
    try:
        end_killed_runs(root)
        with tags(note_run(root)):
            full_pipeline(**request.model_dump(mode="json"))
        _deliver_records(server)
    except (XlmError, KeyboardInterrupt):
        _deliver_records(server)
        raise
    except (HTTPError, RuntimeError) as error:
        # The server went away, or its disk is full; the lines above show what happened to stages.
        if isinstance(error, RuntimeError) and _UNREACHABLE not in str(error):
            raise
        reason = str(error).partition(" - Response")[0] or type(error).__name__
        raise ToolError(
            f"the Prefect server failed: {reason}",
            fix="start it again, or free some space; the same command continues from here",
        ) from error


def _deliver_records(server: StartingServer | None) -> None:
    """Send the log lines and events that Prefect still holds, while the server runs."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    if server is None or server.running():
        for worker in (APILogWorker, EventsWorker):
            worker.drain_all(timeout=_DELIVERY_SECONDS)


class _Warnings(logging.Handler):
    """Prints warnings of our code as lines of the view.

    Prefect would print them with time and module in the middle of the live table.
    """

    def __init__(self, view: LiveView) -> None:
        super().__init__(logging.WARNING)
        self._view = view

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line."""
        self._view.warned(record.getMessage())


def _print_warnings(view: LiveView) -> None:
    ours = logging.getLogger("xlm")
    ours.addHandler(_Warnings(view))
    ours.propagate = False


def _log_to_the_server_only() -> None:
    # A server that went away is one line at the end; Prefect would print two for each batch.
    logging.raiseExceptions = False
    for name in _SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for name in _RECORDED:
        recorded = logging.getLogger(name)
        recorded.setLevel(logging.INFO)
        recorded.propagate = False


@contextmanager
def _prefect(root: Path) -> Iterator[StartingServer | None]:
    """Set up Prefect for this process; start a server if none runs yet."""
    home = set_up_home(root)
    if given := given_api_url():
        require_server(given)
        yield None
        return
    if (lasting := find_access(root)) and server_answers(lasting.api_url):
        use_server(lasting.client_variables())
        yield None
        return
    access = ServerAccess.new(free_port())
    use_server(access.client_variables())
    with starting_server(home, access, reports=root / "runs") as server:
        yield server
