"""The protocol of launchers, which start the processes of a job: locally, or on a cluster.

launcher.run(Launch(module="xlm.training.launch.entry", job=scratch / "job.json", ...), on_wait)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

Measured: TypeAlias = Mapping[str, float | int | str]
"""What the processes used, and where they ran, under the names of `run.json`."""


@dataclass(frozen=True, kw_only=True)
class Launch:
    """A module to run in several processes, which join one process group."""

    module: str
    """Importable module with a `main`, started as `python -m MODULE JOB`."""
    job: Path
    """The job file, which is the only argument."""
    processes: int
    threads_per_process: int
    log_path: Path
    """The output of rank 0 is appended to this file, that of rank N to `NAME-N.SUFFIX`."""
    timeout_seconds: float | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables that override those of the launcher."""
    save_seconds: float = 30
    """Time for the processes to save their state after a stop signal."""

    def log_of(self, rank: int) -> Path:
        """The log of one process."""
        name = self.log_path
        return name.with_stem(f"{name.stem}-{rank}") if rank else name


class Launcher(Protocol):
    """Starts the processes of a job and waits for their end."""

    def run(self, launch: Launch, on_wait: Callable[[], None]) -> Measured:
        """Run the processes to their end.

        Args:
            on_wait: is called a few times a second, in the calling thread.

        Raises:
            TrainingError: a process reported an error.
            ToolError: a process failed without a report.
            ClusterError: a cluster refused the job, or it was cancelled.
        """
        ...
