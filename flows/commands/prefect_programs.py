"""`xlm run`, `ui`, `worker` and `deploy`: check what can be checked, then run with Prefect.

Prefect reads its settings when it is imported, so the environment is complete before that.
"""

import os
import re
import shlex
import signal
import sys
from pathlib import Path
from typing import NoReturn

from flows.server.database import CONNECTION_URL
from xlm.cli.request import print_warnings
from xlm.config.environment import MachineSettings
from xlm.config.reading.proxies import require_usable_proxies
from xlm.engine.graph import Graph
from xlm.errors import ToolError
from xlm.pipeline.latest import dated
from xlm.pipeline.remote import remote_of
from xlm.pipeline.request import RunRequest
from xlm.processes.signals import END_SIGNALS
from xlm.redaction import redact
from xlm.stages.registry import STAGES
from xlm.store.disk.root import resolve_root


def run_pipeline(request: RunRequest, root: str | None, workers: int | None) -> NoReturn:
    """Check the request, then run the flow and exit with its code.

    Raises:
        ConfigError: the request or the environment is not valid. No server was started.
    """
    settings = MachineSettings.from_environment(root, workers)
    _hide_secrets([*shlex.split(request.command(Path(settings.root)))[1:], f"-j{settings.workers}"])
    require_usable_proxies()
    request = dated(request, settings.root)
    config = request.resolve()
    Graph.of(config, STAGES).select(
        first=request.first, until=request.until, only=request.only, refresh=request.refresh
    )
    remote_of(config)  # refuses an invalid URL now; the run itself sends the first request
    print_warnings(config)
    _prepare(XLM_ROOT=str(resolve_root(settings.root)), XLM_WORKERS=str(settings.workers))
    from flows.terminal.console import run_in_terminal

    run_in_terminal(request, config)


def run_ui(root: str | None, port: int, database_url: str | None) -> NoReturn:
    """Run server, deployments and worker until a signal, then exit.

    Raises:
        ToolError: this is not the project's folder.
        ConfigError: a proxy of the environment cannot be used.
    """
    if database_url is not None:
        _hide_database_url(database_url, ["ui", *_root_option(root), "--port", str(port)])
    _prepare_in_project(root)
    from flows.terminal.program import run_program
    from flows.ui.main import main

    run_program(lambda: main(port, database_url))


def run_worker(root: str | None, limit: int | None, *, only_check: bool) -> NoReturn:
    """Run a worker of a shared server until a signal, then exit.

    Raises:
        ConfigError: a proxy of the environment cannot be used.
    """
    _prepare_with_home(root, Path.cwd())
    from flows.terminal.program import run_program
    from flows.worker.main import main

    run_program(lambda: main(limit, only_check=only_check))


def deploy_all(root: str | None) -> NoReturn:
    """Register the deployments of prefect.yaml, then exit.

    Raises:
        ToolError: this is not the project's folder.
        ConfigError: a proxy of the environment cannot be used.
    """
    _prepare_in_project(root)
    from flows.terminal.program import run_program
    from flows.ui.deploy import main

    run_program(main)


def _hide_secrets(words: list[str]) -> None:
    """If the command line contains a secret, start again with `words`, which contain none.

    Other users can read the command line of a process as long as it runs.
    """
    secret = any(redact(word) != word or re.search(r":.*@", word, re.S) for word in sys.argv)
    if secret and sys.argv[1:] != words:
        os.execv(sys.executable, [sys.executable, "-P", "-m", "flows.commands.main", *words])


def _hide_database_url(url: str, words: list[str]) -> None:
    """If the URL of the command line has a password, start again with it in the environment."""
    if "@" in url or redact(url) != url:
        os.environ[CONNECTION_URL] = url
        _hide_secrets(words)


def _root_option(root: str | None) -> list[str]:
    return [] if root is None else ["--root", root]


def _prepare_in_project(root: str | None) -> None:
    home = Path.cwd()
    if not (home / "prefect.yaml").is_file():
        raise ToolError(f"there is no prefect.yaml in {home}", fix="run from the project's folder")
    _prepare_with_home(root, home)


def _prepare_with_home(root: str | None, home: Path) -> None:
    require_usable_proxies()
    directory = resolve_root(MachineSettings.from_environment(root).root)
    _prepare(XLM_ROOT=str(directory), XLM_HOME=str(home))


def _prepare(**variables: str) -> None:
    """Set variables for this process and its children, and block signals until it handles them."""
    # No child imports a module `flows` or `datasets` from the current folder.
    os.environ |= variables | {"PYTHONSAFEPATH": "1"}
    signal.pthread_sigmask(signal.SIG_BLOCK, END_SIGNALS)
