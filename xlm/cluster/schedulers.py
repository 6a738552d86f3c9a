"""The scheduler of a configuration."""

from xlm.cluster.scheduler import Scheduler
from xlm.config.launcher.launcher import LauncherConfig
from xlm.errors import ClusterError


def scheduler_of(settings: LauncherConfig) -> Scheduler:
    """The scheduler that `launcher.kind` names.

    Raises:
        ClusterError: it names this machine.
        ConfigError: a setting that the scheduler needs is missing.
    """
    if settings.kind == "slurm":
        from xlm.cluster.slurm.scheduler import SlurmScheduler

        return SlurmScheduler(settings.slurm)
    if settings.kind == "kubernetes":
        from xlm.cluster.kubernetes.scheduler import KubernetesScheduler

        return KubernetesScheduler(settings.kubernetes)
    raise ClusterError(
        f"launcher.kind {settings.kind} has no scheduler", fix="set it to slurm or kubernetes"
    )


def nodes_of(settings: LauncherConfig) -> int:
    """The number of nodes that the configuration asks for."""
    return settings.slurm.nodes if settings.kind == "slurm" else settings.kubernetes.nodes


def spread(processes: int, nodes: int) -> int:
    """The largest number of nodes, at most `nodes`, that get the same number of processes."""
    return max(number for number in range(1, nodes + 1) if processes % number == 0)
