"""Settings of jobs on Slurm."""

import re

from pydantic import Field, field_validator

from xlm.engine.config import Config
from xlm.errors import ConfigError

_TIME = re.compile(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", re.ASCII)
_ONE_LINE = re.compile(r"[^\r\n\0]*")


class SlurmConfig(Config):
    """How jobs are submitted to Slurm."""

    nodes: int = Field(1, ge=1, description="Nodes of a job; its processes are spread over them.")
    partition: str | None = Field(None, description="Partition; null: the cluster's default.")
    account: str | None = Field(None, description="Account; null: the user's default.")
    qos: str | None = Field(None, description="Quality of service; null: the user's default.")
    constraint: str | None = Field(None, description="Features that the nodes must have.")
    time: str | None = Field(
        None,
        description="Time limit of an attempt, as for sbatch: 45 (minutes), 12:00:00, 2-00:00:00. "
        "Before it ends, the job saves its state and is queued again. null: the partition's.",
    )
    memory: str | None = Field(
        None, description="Memory per node, as for sbatch: 200G; null: the cluster's default."
    )
    cpus_per_process: int | None = Field(
        None, ge=1, description="CPUs per process; null: its threads."
    )
    gpu_option: str = Field(
        "--gpus-per-node={count}",
        description="Option of sbatch that asks for {count} GPUs per node; on some clusters "
        "--gres=gpu:{count}.",
    )
    options: tuple[str, ...] = Field(
        (), description="Further options of sbatch, one per entry: --exclusive, --reservation=x."
    )
    setup: tuple[str, ...] = Field(
        (), description="Shell lines to run on the first node before the job: module load cuda."
    )
    python: str | None = Field(
        None,
        description="Python of the jobs, on all nodes; null: this one (its virtual environment "
        "must be visible there), or python in a container.",
    )
    container: str | None = Field(None, description="Image of the jobs; null: no container.")
    container_runtime: str = Field(
        "pyxis",
        description="How a container starts: pyxis, apptainer, or your own words with {image} and "
        "{mounts}: options of srun if they begin with --, else a command to put before ours.",
    )
    command_seconds: float = Field(
        60, gt=0, description="Time limit of sbatch, squeue and the like, seconds."
    )

    @field_validator(
        "partition", "account", "qos", "constraint", "memory", "gpu_option", "python", "container",
        "container_runtime",
    )  # fmt: skip
    @classmethod
    def _on_one_line(cls, value: str | None) -> str | None:
        if value is not None and (not value.strip() or not _ONE_LINE.fullmatch(value)):
            raise ValueError("it is empty, or has more than one line")
        return value

    @field_validator("options", "setup")
    @classmethod
    def _lines(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            if not _ONE_LINE.fullmatch(value):
                raise ValueError("an entry has more than one line; make it several entries")
        return values

    @field_validator("options")
    @classmethod
    def _are_options(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            if not value.startswith("-"):
                raise ValueError(f"{value!r} is not an option of sbatch: it does not begin with -")
        return values

    @field_validator("time")
    @classmethod
    def _is_time(cls, value: str | None) -> str | None:
        if value is not None and limit_seconds(value) is None:
            raise ValueError("write it as 45 (minutes), 12:00:00 or 2-00:00:00")
        return value

    def require_time_to_save(self, save_seconds: float) -> None:
        """Refuse a time limit that leaves no time for work.

        Raises:
            ConfigError: the notice to save would come right after the start.
        """
        limit = limit_seconds(self.time) if self.time is not None else None
        least = notice_seconds(save_seconds) + 120
        if limit is not None and limit < least:
            raise ConfigError(
                f"launcher.slurm.time {self.time} leaves no time to train: the notice to save "
                f"comes {notice_seconds(save_seconds)} s before its end, and up to 60 s early",
                fix=f"raise it to {-(-least // 60):.0f} minutes or more, or lower "
                "pretrain.save_seconds",
            )


def notice_seconds(save_seconds: float) -> int:
    """How long before the time limit the job hears of it: to save, to end, to be queued again."""
    return int(-(-save_seconds // 1)) + 30


def limit_seconds(text: str) -> float | None:
    """A time limit of sbatch in seconds; None if it is none, infinite for `UNLIMITED`."""
    if text.upper() in ("INFINITE", "UNLIMITED"):
        return float("inf")
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    days, *rest = match.groups()
    parts = [int(part) for part in rest if part is not None]
    if days is not None:  # days-hours[:minutes[:seconds]]
        hours, minutes, seconds = [*parts, 0, 0][:3]
        return ((int(days) * 24 + hours) * 60 + minutes) * 60 + seconds
    if len(parts) == 3:
        return (parts[0] * 60 + parts[1]) * 60 + parts[2]
    minutes, seconds = [*parts, 0][:2]
    return minutes * 60 + seconds
