"""Starts training processes on this machine; no port is opened for them to meet.

LocalLauncher().run(launch, on_wait=lambda: None)

torchrun would listen on all interfaces, without authentication, and run what anybody plants in its
store. Here one process needs nobody; several meet through a file in a directory of ours, and their
collectives connect over loopback.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from xlm.errors import RequeueError, XlmError
from xlm.processes.child import ProcessResult
from xlm.store.disk.filesystem import remove_tree
from xlm.training.launch.failure import clear_failure, first_failure
from xlm.training.launch.launcher import Launch
from xlm.training.launch.ranks import RankGroup

MEETING_FILE = "XLM_MEETING_FILE"
"""Variable with the path of the file in which several processes find each other."""

_MEETING_PREFIX = "meeting-"
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_LOOPBACKS = ("lo", "lo0")


class LocalLauncher:
    """Starts each process under a guard and watches over all of them."""

    def run(self, launch: Launch, on_wait: Callable[[], None]) -> ProcessResult:
        """Run the group to its end; see `Launcher.run`."""
        clear_failure(launch.job)
        with (
            _meeting_place(launch) as environment,
            RankGroup(launch, _environment(launch.threads_per_process) | environment) as group,
        ):
            try:
                group.wait(on_wait)
            except XlmError:
                group.end()
                # `on_wait` ended it: that its processes saved their state says more than why.
                if isinstance(said := first_failure(launch.job), RequeueError):
                    raise said from None
                raise
            return group.result()


@contextmanager
def _meeting_place(launch: Launch) -> Iterator[dict[str, str]]:
    """Variables with the place where the processes meet, which only this user can enter."""
    for left in launch.job.parent.glob(f"{_MEETING_PREFIX}*"):
        remove_tree(left)
    if launch.processes == 1:
        yield {}
        return
    directory = Path(mkdtemp(prefix=_MEETING_PREFIX, dir=launch.job.parent))
    try:
        yield {MEETING_FILE: str(directory / "store")}
    finally:
        remove_tree(directory)


def _environment(threads: int) -> dict[str, str]:
    variables = {name: str(threads) for name in _THREAD_VARIABLES}
    # Sums of floats follow the hash order of sets nowhere in our code; this keeps it so in others'.
    variables["PYTHONHASHSEED"] = "0"
    # Neither the folder where the user stands nor an empty entry, which means that folder.
    variables["PYTHONSAFEPATH"] = "1"
    paths = (str(Path(__file__).parents[3]), *os.environ.get("PYTHONPATH", "").split(os.pathsep))
    variables["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    # One machine needs no other interface, its host name need not resolve, nobody else can connect.
    for name in _LOOPBACKS:
        if any(name == present for _, present in socket.if_nameindex()):
            variables["GLOO_SOCKET_IFNAME"] = name
            variables["NCCL_SOCKET_IFNAME"] = f"={name}"
    variables["NCCL_RAS_ENABLE"] = "0"  # a port for the state of a job; nobody asks ours
    return variables
