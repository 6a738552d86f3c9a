"""What a cluster runs for a stage: the job that we ask for, and the jobs that a scheduler shows.

    job = ClusterJob(name=job_name("pretrain", key, token), directory=scratch / "cluster", ...)
    scheduler.submit(job)
    scheduler.find(job.name)        # [SeenJob("4711", JobState.RUNNING, ...)]

A job is known by its name, which is made from the key of its artifact. A later process finds it
without knowing its id, also from another machine.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pydantic import TypeAdapter

RECORD_FILE = "job.json"
"""The job in its own directory, as the agent reads it."""
RENDEZVOUS = "XLM_RENDEZVOUS"
"""Environment variable with a name of the job: processes of another one may find its port."""
_NAME_CHARACTERS = 63
_KEY_CHARACTERS = 12
_TOKEN_CHARACTERS = 6
_NAME = re.compile(r"xlm-[a-z0-9-]{1,59}", re.ASCII)


class JobState(StrEnum):
    """What happens to a job, in the words of no particular scheduler."""

    PENDING = "pending"
    """It waits for its turn, for its first start or to be started again."""
    RUNNING = "running"
    """It runs, or it has not quite ended: its processes may still write."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    OUT_OF_MEMORY = "out of memory"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    """It ended without its fault: preempted, time limit, node failure, or asked to stop (75)."""
    UNKNOWN = "unknown"
    """A state that we have no word for; `SeenJob.words` has the scheduler's."""

    @property
    def is_live(self) -> bool:
        """Whether the job may still run: nobody may submit it again."""
        return self in (JobState.PENDING, JobState.RUNNING, JobState.UNKNOWN)


@dataclass(frozen=True, kw_only=True)
class ClusterJob:
    """A job to submit: the same module in every process, on one or more nodes."""

    name: str
    """Unique for its artifact, at most 63 characters of a-z, 0-9 and -: `job_name`."""
    directory: Path
    """Folder of the job on the file system that all nodes share: its records and scripts."""
    module: str
    """Importable module with a `main`, started as `python -P -m MODULE JOB_FILE`."""
    job_file: Path
    nodes: int
    processes_per_node: int
    threads_per_process: int
    log_path: Path
    """The output of rank 0 is appended to this file, that of rank N to `NAME-N.SUFFIX`."""
    save_seconds: float
    """Time for the processes to save their state after a stop signal."""
    uses_gpu: bool
    """Whether each process needs a GPU."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the processes; never secrets, which the platform provides."""
    folders: tuple[Path, ...] = ()
    """Folders that the processes read and write: what a container must mount, at these paths."""
    checkpoints: tuple[str, ...] = ()
    """Patterns of the job's checkpoints, relative to the folder of the job file."""
    max_attempts: int = 3
    """How many attempts may fail before the job is given up."""
    max_idle_restarts: int = 3
    """How often in a row the job may be started again without a newer checkpoint."""

    @property
    def processes(self) -> int:
        """The number of processes on all nodes: the world size."""
        return self.nodes * self.processes_per_node

    @property
    def record(self) -> Path:
        """The file with this job, the only argument of `xlm.cluster.agent`."""
        return self.directory / RECORD_FILE

    def log_of(self, rank: int) -> Path:
        """The log of one process."""
        return self.log_path.with_stem(f"{self.log_path.stem}-{rank}") if rank else self.log_path

    def to_json(self) -> bytes:
        """The contents of `record`."""
        return _JOB.dump_json(self, indent=1) + b"\n"

    @classmethod
    def read(cls, record: Path) -> "ClusterJob":
        """Read a job from its record.

        Raises:
            OSError: there is no such file.
            ValueError: it is damaged, or names jobs that are not ours.
        """
        job = _JOB.validate_json(record.read_bytes())
        if not is_job_name(job.name):
            raise ValueError(f"{job.name[:80]!r} is not the name of a job of a stage")
        return job


_JOB = TypeAdapter(ClusterJob)


@dataclass(frozen=True, kw_only=True)
class SeenJob:
    """A job as its scheduler shows it."""

    job_id: str
    state: JobState
    words: str
    """The scheduler's own words, for people: "PENDING (Priority)", "NODE_FAIL"."""
    exit_code: int | None = None
    """Exit status of the job's processes, if it has ended with one."""
    nodes: str = ""
    """Names of its nodes, as the scheduler writes them."""
    started_at: float | None = None
    """When its last attempt started, in seconds since the epoch."""
    restarts: int = 0
    """How often the scheduler has started it again."""


def is_job_name(text: str) -> bool:
    """Whether a text can be the name of one job of a stage.

    `scancel --name` takes several names, and none means all jobs of the user.
    """
    return _NAME.fullmatch(text) is not None


def job_name(stage: str, key: str, token: str) -> str:
    """The name of the job that builds an artifact.

    `token` belongs to the staging folder of the artifact: two stores that build the same key on
    one cluster have two jobs.
    """
    tail = f"-{key[:_KEY_CHARACTERS]}-{token[:_TOKEN_CHARACTERS]}"
    return f"xlm-{stage}"[: _NAME_CHARACTERS - len(tail)] + tail
