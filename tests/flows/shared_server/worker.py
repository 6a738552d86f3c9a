"""A real `xlm worker` of a shared server."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.flows.console import XLM, environment
from tests.flows.shared_server.prefect_server import SharedServer, until


@dataclass(frozen=True)
class Worker:
    """A started worker."""

    root: Path
    process: "subprocess.Popen[bytes]"

    def log(self) -> str:
        """What it and the runs of its store have printed."""
        return (self.root / "worker.log").read_text()

    def interrupt(self) -> int:
        """Stop it by Ctrl-C; returns its exit code."""
        os.kill(self.process.pid, signal.SIGINT)
        return self.process.wait(120)

    def terminate(self) -> int:
        """Stop it by SIGTERM; returns its exit code."""
        self.process.terminate()
        return self.process.wait(120)


def start_worker(server: SharedServer, root: Path, **variables: str) -> Worker:
    """Start a worker on a store, and wait until it takes runs."""
    with (root / "worker.log").open("w") as output:
        process = subprocess.Popen(
            # A background process of a shell ignores Ctrl-C, and so would the worker.
            ["env", "--default-signal=INT", XLM, "worker"],
            cwd=root,
            env=environment(root) | server.client_variables() | variables,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    worker = Worker(root, process)
    until(lambda: "worker of " in worker.log() or process.poll() is not None, "no worker")
    assert process.poll() is None, worker.log()
    return worker


@contextmanager
def running_worker(server: SharedServer, root: Path, **variables: str) -> Iterator[Worker]:
    """A worker that is stopped at the end, unless that has happened."""
    worker = start_worker(server, root, **variables)
    try:
        yield worker
    finally:
        if worker.process.poll() is None:
            worker.terminate()
