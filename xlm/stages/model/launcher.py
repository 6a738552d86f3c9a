"""What the stages that train or evaluate share about their launcher."""

from pathlib import Path
from typing import Any

from xlm.config.launcher.launcher import LauncherConfig
from xlm.config.pipeline import PipelineConfig
from xlm.engine.stage import ALL_CORES
from xlm.errors import ConfigError


def launcher_settings(config: PipelineConfig) -> LauncherConfig:
    """`Stage.settings` of a stage whose processes may run on a cluster."""
    return config.launcher


def launched_cores(config: PipelineConfig, device: str, cores: int) -> int:
    """`Stage.cores` of processes that may run elsewhere: on a GPU, one stage at a time."""
    if config.launcher.kind != "local":
        return 0
    return ALL_CORES if device == "cuda" else cores


def require_launchable(config: PipelineConfig) -> None:
    """Check that pretraining can run as the launcher's settings say.

    Raises:
        ConfigError: its processes cannot be spread evenly, or an attempt is too short.
    """
    launcher, pretrain = config.launcher, config.pretrain
    if launcher.kind == "local":
        return
    nodes = launcher.slurm.nodes if launcher.kind == "slurm" else launcher.kubernetes.nodes
    if pretrain.processes % nodes:
        raise ConfigError(
            f"pretrain.processes {pretrain.processes} cannot be spread evenly over "
            f"{nodes} nodes (launcher.{launcher.kind}.nodes)",
            fix="make it a multiple of the nodes: the processes of all nodes together",
        )
    if launcher.kind == "slurm":
        launcher.slurm.require_time_to_save(pretrain.save_seconds)


def abandon_job(settings: Any, scratch: Path) -> None:
    """`Stage.abandon` of a stage whose processes may run on a cluster."""
    from xlm.cluster.hold import abandon_job as abandon

    abandon(settings, scratch)
