"""Settings of jobs on Slurm."""

from pydantic import Field

from xlm.engine.config import Config


class SlurmConfig(Config):
    """How jobs are submitted to Slurm."""

    nodes: int = Field(1, ge=1, description="Nodes of a job; its processes are spread over them.")
    partition: str | None = Field(None, description="Partition; null: the cluster's default.")
    account: str | None = Field(None, description="Account; null: the user's default.")
