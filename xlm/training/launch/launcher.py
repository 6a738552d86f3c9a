"""How a group of training processes is started: one protocol, a cluster's launcher to come.

launcher.run(Launch(module="xlm.training.launch.entry", job=scratch / "job.json", ...), on_wait)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from xlm.processes.child import ProcessResult


@dataclass(frozen=True, kw_only=True)
class Launch:
    """One module, run by several processes that find each other."""

    module: str
    """Importable module with a `main`, started as `python -m MODULE JOB`."""
    job: Path
    """JSON file that says everything; the only argument."""
    processes: int
    threads_per_process: int
    log_path: Path
    """Gets what the first process says, appended; process N of the others, `NAME-N.SUFFIX`."""
    timeout_seconds: float | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    """Laid over the launcher's own."""
    save_seconds: float = 30
    """How long processes that were asked to stop may take to save their state."""

    def log_of(self, rank: int) -> Path:
        """The log of one process."""
        name = self.log_path
        return name.with_stem(f"{name.stem}-{rank}") if rank else name


class Launcher(Protocol):
    """Starts a group and waits for its end."""

    def run(self, launch: Launch, on_wait: Callable[[], None]) -> ProcessResult:
        """Run to the end; `on_wait` is called some times a second from the calling thread.

        Raises:
            TrainingError: a process said what went wrong.
            ToolError: the group failed without a word of its own.
        """
        ...
