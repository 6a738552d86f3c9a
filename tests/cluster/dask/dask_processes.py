"""A real scheduler and workers of Dask as processes of this machine, to be killed by tests."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from distributed import Client

from tests.repository import REPOSITORY
from tests.waiting import PATIENCE_SECONDS, wait_until


class DaskProcesses:
    """A scheduler and its workers; all are killed by `close`."""

    def __init__(self, folder: Path, workers: int = 2) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []
        self.scheduler = self.start(
            "dask_scheduler",
            "--port=0",
            f"--scheduler-file={self._file}",
            "--dashboard-address=127.0.0.1:0",
        )
        wait_until(self._file.exists, "no scheduler")
        self.address = str(json.loads(self._file.read_text())["address"])
        self.workers = [self.add_worker() for _ in range(workers)]

    @property
    def _file(self) -> Path:
        return self._folder / "scheduler.json"

    def add_worker(
        self, *prefix: str, threads: int = 1, cwd: Path = REPOSITORY
    ) -> "subprocess.Popen[bytes]":
        """Start a worker, by the command `prefix` if there is one."""
        return self.start(
            "dask_worker", self.address, "--no-nanny", f"--nthreads={threads}",
            f"--local-directory={self._folder}", prefix=prefix, cwd=cwd,
        )  # fmt: skip

    def wait_for_workers(self, amount: int) -> None:
        """Wait until so many workers have joined."""
        with Client(self.address, timeout=PATIENCE_SECONDS, set_as_default=False) as client:
            client.wait_for_workers(amount, timeout=PATIENCE_SECONDS)

    def start(
        self, module: str, *arguments: str, prefix: tuple[str, ...] = (), cwd: Path = REPOSITORY
    ) -> "subprocess.Popen[bytes]":
        """Start a program of Dask, which listens on loopback."""
        log = (self._folder / f"{module}.{len(self._started)}.log").open("wb")
        process = subprocess.Popen(
            [
                *(*prefix, sys.executable, "-m", f"distributed.cli.{module}"),
                *("--host=127.0.0.1", "--no-dashboard", *arguments),
            ],
            cwd=cwd, stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": str(cwd)},
        )  # fmt: skip
        log.close()
        self._started.append(process)
        return process

    def close(self) -> None:
        """Kill all."""
        for process in self._started:
            process.send_signal(signal.SIGKILL)
            process.wait()


def is_running(number: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        text = Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"
