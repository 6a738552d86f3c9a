"""`xlm ui` and `xlm deploy`: hand the terminal over to the program that does it.

They use Prefect, which stands above this package, so they are started as programs (see run.py).
"""

import os
import signal
import sys
from pathlib import Path

from xlm.config.environment import MachineSettings
from xlm.config.reading.proxies import require_usable_proxies
from xlm.errors import ToolError
from xlm.processes.signals import END_SIGNALS
from xlm.store.disk.root import resolve_root


def run_ui(root: str | None, port: int) -> None:
    """Become server, deployments and worker; does not return.

    Raises:
        ToolError: this is not the project's folder.
        ConfigError: a proxy of the environment cannot be used.
    """
    _become("flows.ui.main", str(port), root=root)


def deploy_all(root: str | None) -> None:
    """Become the program that registers the deployments of prefect.yaml; does not return.

    Raises:
        ToolError: this is not the project's folder.
        ConfigError: a proxy of the environment cannot be used.
    """
    _become("flows.ui.deploy", root=root)


def _become(module: str, *arguments: str, root: str | None) -> None:
    home = Path.cwd()
    if not (home / "prefect.yaml").is_file():
        raise ToolError(f"no prefect.yaml in {home}", fix="run from the project's folder")
    require_usable_proxies()
    directory = resolve_root(MachineSettings.from_environment(root).root)
    environment = os.environ | {"XLM_ROOT": str(directory), "XLM_HOME": str(home)}
    # Signals wait until the program can take them: a mask outlives exec.
    signal.pthread_sigmask(signal.SIG_BLOCK, END_SIGNALS)
    command = [sys.executable, "-P", "-m", module, *arguments]
    os.execve(sys.executable, command, environment)
