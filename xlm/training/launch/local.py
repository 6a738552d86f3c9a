"""Starts training processes on this machine, without a network port.

LocalLauncher().run(launch, on_wait=lambda: None)

torchrun listens on all interfaces without authentication, and anybody who can connect can run code
through its store. Here, several processes meet in a file that only this user can read, and their
collectives connect over loopback.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from xlm.errors import RequeueError, XlmError
from xlm.processes.failure import clear_failure, first_failure
from xlm.store.disk.filesystem import remove_tree
from xlm.training.launch.environment import process_environment
from xlm.training.launch.launcher import Launch, Measured
from xlm.training.launch.ranks import RankGroup

MEETING_FILE = "XLM_MEETING_FILE"
"""Environment variable with the path of the file in which the processes meet."""

_MEETING_PREFIX = "meeting-"
_LOOPBACKS = ("lo", "lo0")


class LocalLauncher:
    """Starts each process under a guard, and waits for all of them."""

    def run(self, launch: Launch, on_wait: Callable[[], None]) -> Measured:
        """Run the processes to their end; see `Launcher.run`."""
        clear_failure(launch.job)
        with (
            _meeting_file(launch) as environment,
            RankGroup(launch, _environment(launch.threads_per_process) | environment) as group,
        ):
            try:
                group.wait(on_wait)
            except XlmError:
                group.end()
                # If `on_wait` raised the error, report that the processes have saved their state.
                if isinstance(reported := first_failure(launch.job), RequeueError):
                    raise reported from None
                raise
            return group.result().measured()


@contextmanager
def _meeting_file(launch: Launch) -> Iterator[dict[str, str]]:
    """The environment variable of a meeting file, in a folder that only this user can enter."""
    for old in launch.job.parent.glob(f"{_MEETING_PREFIX}*"):
        remove_tree(old)
    if launch.processes == 1:
        yield {}
        return
    directory = Path(mkdtemp(prefix=_MEETING_PREFIX, dir=launch.job.parent))
    try:
        yield {MEETING_FILE: str(directory / "store")}
    finally:
        remove_tree(directory)


def _environment(threads: int) -> dict[str, str]:
    variables = process_environment(threads)
    paths = (str(Path(__file__).parents[3]), *os.environ.get("PYTHONPATH", "").split(os.pathsep))
    variables["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    # Loopback works if the host name does not resolve, and no other machine can connect.
    for name in _LOOPBACKS:
        if any(name == present for _, present in socket.if_nameindex()):
            variables["GLOO_SOCKET_IFNAME"] = name
            variables["NCCL_SOCKET_IFNAME"] = f"={name}"
    return variables
