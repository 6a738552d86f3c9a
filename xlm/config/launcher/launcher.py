"""Where training, fine-tuning and evaluation run. Nothing here can change an artifact's bytes."""

from typing import Literal

from pydantic import Field

from xlm.config.launcher.kubernetes import KubernetesConfig
from xlm.config.launcher.slurm import SlurmConfig
from xlm.engine.config import Config


class LauncherConfig(Config):
    """Where training, fine-tuning and evaluation run; in no key."""

    kind: Literal["local", "slurm", "kubernetes"] = Field(
        "local", description="`local`: on this machine; `slurm`, `kubernetes`: as a cluster's job."
    )
    slurm: SlurmConfig = Field(SlurmConfig(), description="Jobs of kind slurm.")
    kubernetes: KubernetesConfig = Field(KubernetesConfig(), description="Jobs of kind kubernetes.")
