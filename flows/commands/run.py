"""`xlm run`: hand the terminal over to the flow.

The flow is above this package (imports run flows, tasks, xlm), so it is started as a program and
takes this process's place: signals, exit code and terminal are its own.
"""

import os
import signal
import sys

from xlm.cli.request import print_warnings
from xlm.config.environment import MachineSettings
from xlm.config.reading.proxies import require_usable_proxies
from xlm.engine.graph import Graph
from xlm.pipeline.request import RunRequest
from xlm.processes.signals import END_SIGNALS
from xlm.stages.registry import STAGES
from xlm.store.disk.root import resolve_root

CONSOLE_MODULE = "flows.terminal.console"


def run_pipeline(request: RunRequest, root: str | None, workers: int | None) -> None:
    """Check the request, then become the flow; does not return.

    Mistakes are told here, before a server is started.
    """
    settings = MachineSettings.from_environment(root, workers)
    require_usable_proxies()
    config = request.resolve()
    Graph.of(config, STAGES).select(until=request.until, only=request.only, refresh=request.refresh)
    print_warnings(config)
    environment = os.environ | {
        "XLM_ROOT": str(resolve_root(settings.root)),
        "XLM_WORKERS": str(settings.workers),
        "PYTHONSAFEPATH": "1",
    }
    # -P: a folder `flows` or `datasets` where the user stands is none of ours.
    # Ctrl-C waits until the flow, which says how it ends, has started: a mask outlives exec.
    signal.pthread_sigmask(signal.SIG_BLOCK, END_SIGNALS)
    arguments = [sys.executable, "-P", "-m", CONSOLE_MODULE, request.model_dump_json()]
    os.execve(sys.executable, arguments, environment)
