"""The job of a training process: one JSON file, which the driver writes and the process reads.

write_job(path, job)                 # parent side
job = read_job(path, PretrainJob)    # child side
"""

from pathlib import Path
from typing import TypeVar

from pydantic import Field

from xlm.config.training.model import ModelConfig
from xlm.config.training.pretrain import PretrainConfig
from xlm.engine.config import Config
from xlm.store.disk.filesystem import write_atomically

JobT = TypeVar("JobT", bound=Config)

SPEED_FILE = "speed.jsonl"
"""Measured rates, in the logs folder; see `xlm.training.monitoring.throughput`."""
METRICS_FILE = "metrics.jsonl"
"""Losses and other reproducible values: in scratch during training, then in the artifact."""
MIXTURE, CURVES = "mixture", "curves"
"""Names of a figure (`.png`) and a document (`.md`) each, in the logs folder."""
DOCUMENTS = (MIXTURE, CURVES)


class Job(Config):
    """What the jobs of all model stages have: their data and their directories."""

    vocabulary: Path = Field(description="Directory of the vocabulary artifact.")
    mono: dict[str, Path] = Field(description="Directories of shards by language.")
    pairs: dict[str, Path] = Field(description="Directories of shards by pair.")
    scratch: Path = Field(description="Directory of unfinished work; survives a kill.")
    out: Path = Field(description="Directory of the published files.")
    logs: Path = Field(description="Directory of measured values, figures and diagnostics.")


class PretrainJob(Job):
    """A pretraining run. Its checkpoints are in `scratch`."""

    languages: tuple[str, ...] = Field(description="Languages in the order of their ids.")
    model: ModelConfig = Field(description="Sizes of the encoder.")
    pretrain: PretrainConfig = Field(description="Objectives, batches, schedule.")
    warm_start: str = Field(
        default="", description="Kind and digest that pretrain.warm_start must have."
    )


def write_job(path: Path, job: Config) -> None:
    """Write the job file of the processes to start; a job of a cluster may read it at any time."""
    write_atomically(path, (job.model_dump_json(indent=1) + "\n").encode())


def read_job(path: Path, kind: type[JobT]) -> JobT:
    """Read the job file of this process."""
    return kind.model_validate_json(path.read_text(encoding="utf-8"))
