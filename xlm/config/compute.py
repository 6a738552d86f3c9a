"""Where the items of the data stages run. Nothing here can change an artifact's bytes.

compute:
  executor: dask
  dask: {address: "tcp://head:8786"}      # or {cluster: slurm, workers: 40}
"""

import re
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from xlm.config.launcher.slurm import limit_seconds
from xlm.engine.config import Config
from xlm.errors import ConfigError

_ADDRESS = re.compile(r"(tcp|tls)://(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}", re.ASCII)
_MEMORY = re.compile(r"[0-9]+(\.[0-9]+)?[KMGT](i?B)?", re.ASCII)
_TLS_FILES = ("tls_ca", "tls_certificate", "tls_key")


class DaskConfig(Config):
    """The Dask workers that run the items."""

    address: str | None = Field(
        None, description="Address of a running scheduler: tcp://host:8786, or tls://."
    )
    cluster: Literal["local", "slurm", "kubernetes"] | None = Field(
        None,
        description="Start a scheduler and workers for the run: on this machine, as jobs of Slurm, "
        "or by the Dask operator of a Kubernetes cluster.",
    )
    workers: int = Field(2, ge=1, description="Workers of `cluster`; each is a job or a pod.")
    threads: int = Field(
        1, ge=1, description="Items that a worker of `cluster` runs at the same time, in processes."
    )
    memory: str = Field("4G", description="Memory of a job or pod of `cluster`, such as 16G.")
    time: str | None = Field(
        None, description="Time limit of the jobs on Slurm, such as 12:00:00; null: 1 hour."
    )
    partition: str | None = Field(
        None, description="Partition of the jobs on Slurm; null: launcher.slurm.partition."
    )
    interface: str | None = Field(
        None,
        description="Network interface of scheduler and workers on Slurm, such as ib0; null: the "
        "one with the default route.",
    )
    connect_seconds: float = Field(
        30, gt=0, description="How long a run waits for the answer of the scheduler, seconds."
    )
    worker_seconds: float = Field(
        600,
        gt=0,
        description="How long a run waits for a worker when there is none, seconds; more where "
        "jobs queue for long.",
    )
    tls_ca: str | None = Field(None, description="Certificate of the authority, for tls://.")
    tls_certificate: str | None = Field(None, description="Certificate of this client, for tls://.")
    tls_key: str | None = Field(None, description="Private key of this client, for tls://.")

    @field_validator("address")
    @classmethod
    def _valid_address(cls, address: str | None) -> str | None:
        if address is not None and not _ADDRESS.fullmatch(address):
            raise ValueError(
                f"{address[:200]!r} is not the address of a scheduler; write e.g. tcp://host:8786"
            )
        return address

    @field_validator("memory")
    @classmethod
    def _valid_memory(cls, memory: str) -> str:
        if not _MEMORY.fullmatch(memory):
            raise ValueError(f"{memory[:50]!r} is not an amount of memory; write e.g. 16G")
        return memory

    @field_validator("time")
    @classmethod
    def _valid_time(cls, time: str | None) -> str | None:
        if time is not None and limit_seconds(time) is None:
            raise ValueError("write it as 45 (minutes), 12:00:00 or 2-00:00:00")
        return time

    @model_validator(mode="after")
    def _tls_fits(self) -> Self:
        missing = [name for name in _TLS_FILES if getattr(self, name) is None]
        uses_tls = self.address is not None and self.address.startswith("tls://")
        if uses_tls and missing:
            raise ConfigError(
                f"compute.dask.address is {self.address}, but {missing[0]} is not set",
                fix="set compute.dask.tls_ca, tls_certificate and tls_key to PEM files",
            )
        if not uses_tls and len(missing) < len(_TLS_FILES):
            raise ConfigError(
                "compute.dask has files for TLS, but no address that begins with tls://",
                fix="set compute.dask.address=tls://host:8786, or remove the files",
            )
        return self


class ComputeConfig(Config):
    """Where the items of the data stages run; in no key."""

    executor: Literal["processes", "dask"] = Field(
        "processes",
        description="`processes`: on this machine; `dask`: on the workers of a Dask cluster "
        "(docs/how-to/prepare-data-on-several-machines.md).",
    )
    dask: DaskConfig = Field(DaskConfig(), description="Settings of executor dask.")

    @model_validator(mode="after")
    def _one_cluster(self) -> Self:
        if self.executor != "dask":
            return self
        if self.dask.address is not None and self.dask.cluster is not None:
            raise ConfigError(
                "compute.dask.address and compute.dask.cluster are both set",
                fix="remove one of them: a running scheduler, or a cluster that the run starts",
            )
        if self.dask.address is None and self.dask.cluster is None:
            raise ConfigError(
                "compute.executor is dask, but no cluster is named",
                fix="set compute.dask.address=tcp://host:8786, or compute.dask.cluster to local, "
                "slurm or kubernetes",
            )
        return self

    def planned_workers(self, of_this_machine: int) -> int:
        """How many items a run is expected to work on at the same time."""
        if self.executor == "dask" and self.dask.cluster is not None:
            return self.dask.workers * self.dask.threads
        return of_this_machine
