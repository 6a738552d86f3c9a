"""Where training, fine-tuning and evaluation run. Nothing here can change an artifact's bytes."""

import re
from typing import Literal

from pydantic import Field, field_validator

from xlm.config.launcher.kubernetes import KubernetesConfig
from xlm.config.launcher.slurm import SlurmConfig
from xlm.engine.config import Config
from xlm.redaction import is_secret_parameter

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class LauncherConfig(Config):
    """Where training, fine-tuning and evaluation run; in no key."""

    kind: Literal["local", "slurm", "kubernetes"] = Field(
        "local", description="`local`: on this machine; `slurm`, `kubernetes`: as a cluster's job."
    )
    max_attempts: int = Field(
        3,
        ge=1,
        description="How many attempts of a job may fail at the same checkpoint. Preemption, time "
        "limits and lost nodes are no failures.",
    )
    max_idle_restarts: int = Field(
        5, ge=0, description="How often in a row a job may restart without a newer checkpoint."
    )
    poll_seconds: float = Field(
        10, gt=0, le=3600, description="Time between two questions to the scheduler, seconds."
    )
    environment: dict[str, str] = Field(
        {},
        description="Environment variables of the processes on a cluster, such as "
        "NCCL_SOCKET_IFNAME. Secrets belong to the environment of the cluster.",
    )
    slurm: SlurmConfig = Field(SlurmConfig(), description="Jobs of kind slurm.")
    kubernetes: KubernetesConfig = Field(KubernetesConfig(), description="Jobs of kind kubernetes.")

    @field_validator("environment")
    @classmethod
    def _plain_variables(cls, variables: dict[str, str]) -> dict[str, str]:
        for name, value in variables.items():
            if not _VARIABLE.fullmatch(name):
                raise ValueError(f"{name!r} is not a name of a variable")
            if is_secret_parameter(name):
                raise ValueError(
                    f"{name} looks like a secret, and job records are readable; set it in the "
                    "environment of the cluster"
                )
            if "\0" in value:
                raise ValueError(f"the value of {name} has a zero byte")
        return variables
