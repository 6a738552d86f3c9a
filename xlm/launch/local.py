"""Starts training processes on this machine, with torchrun.

LocalLauncher().run(launch, on_wait=lambda: None)
"""

import math
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from xlm.errors import ToolError, XlmError
from xlm.launch.child import ProcessResult
from xlm.launch.failure import clear_failure, raise_failure
from xlm.launch.launcher import Launch
from xlm.launch.process import run_process

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_LOOPBACK = "lo"
_SIGNALS = "SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1"
"""What torchrun passes on to its processes: SIGUSR1 is how Slurm says that time is nearly over."""
_GRACE_SECONDS = 5
"""For torchrun itself, once its processes have ended."""


class LocalLauncher:
    """`torchrun --standalone` under our process guard."""

    def run(self, launch: Launch, on_wait: Callable[[], None]) -> ProcessResult:
        """Run the group to its end; see `Launcher.run`."""
        clear_failure(launch.job)
        arguments = [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            f"--nproc-per-node={launch.processes}",
            f"--shutdown-timeout={math.ceil(launch.save_seconds)}",
            f"--signals-to-handle={_SIGNALS}",
            "-m",
            launch.module,
            str(launch.job),
        ]
        try:
            return run_process(
                arguments,
                log_path=launch.log_path,
                timeout_seconds=launch.timeout_seconds,
                terminate_seconds=launch.save_seconds + _GRACE_SECONDS,
                environment=_environment(launch.threads_per_process) | dict(launch.environment),
                on_wait=on_wait,
            )
        except ToolError as error:
            raise_failure(launch.job)
            raise ToolError(
                f"{launch.module} failed: {error.what}",
                fix=f"see {launch.log_path}; a rerun continues from the last checkpoint",
            ) from error
        except XlmError:
            # `on_wait` ended the group: that its processes saved their state says more than why.
            raise_failure(launch.job)
            raise


def _environment(threads: int) -> dict[str, str]:
    variables = {name: str(threads) for name in _THREAD_VARIABLES}
    # Sums of floats follow the hash order of sets nowhere in our code; this keeps it so in others'.
    variables["PYTHONHASHSEED"] = "0"
    paths = (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", ""))
    variables["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    if any(name == _LOOPBACK for _, name in socket.if_nameindex()):
        # One machine needs no other interface, and its host name need not resolve.
        variables["GLOO_SOCKET_IFNAME"] = _LOOPBACK
    return variables
