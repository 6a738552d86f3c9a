"""Starts a Dask scheduler and workers for one run: on this machine, on Slurm or on Kubernetes.

They end with the run. A run that is killed leaves workers that find no scheduler and end by
themselves: on Slurm after `_DEATH_SECONDS`, on this machine at once.
"""

import logging
import shlex
import sys
from pathlib import Path
from typing import Any

from xlm.cluster.dask.certificates import write_certificates
from xlm.cluster.dask.kubernetes import cluster_spec, require_settings
from xlm.config.compute import DaskConfig
from xlm.config.launcher.launcher import LauncherConfig
from xlm.errors import ClusterError

_DEATH_SECONDS = 60
_DEFAULT_TIME = "01:00:00"
_NO_DASHBOARD = "127.0.0.1:0"
"""Its server starts anyway, by default on all interfaces."""
_EXPORTED = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "SLURM_CONF",
)
"""Variables of the driver that the jobs get; others may hold secrets, and Slurm stores them."""


def start_cluster(settings: DaskConfig, launcher: LauncherConfig, root: Path, token: str) -> Any:
    """Start the cluster that `compute.dask.cluster` names; a `distributed` cluster, to be closed.

    Args:
        settings: the cluster.
        launcher: account, image and more, which jobs of training and workers share.
        root: root of the store.
        token: names this run.

    Raises:
        ClusterError: it cannot be started.
        ConfigError: a setting that it needs is missing.
    """
    try:
        if settings.cluster == "slurm":
            return _on_slurm(settings, launcher, root, token)
        if settings.cluster == "kubernetes":
            return _on_kubernetes(settings, launcher, root, token)
        return _on_this_machine(settings)
    except (OSError, RuntimeError, ValueError, TimeoutError) as error:
        raise ClusterError(
            f"no Dask cluster could be started ({settings.cluster}): {_one_line(error)}",
            fix="check compute.dask, or start a scheduler yourself and set compute.dask.address",
        ) from error


def logs_of(settings: DaskConfig, root: Path, token: str) -> Path | None:
    """The folder where the jobs of a cluster on Slurm write, which stays after the run."""
    return root / "cache" / "dask-logs" / token if settings.cluster == "slurm" else None


def _on_this_machine(settings: DaskConfig) -> Any:
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=settings.workers,
        threads_per_worker=settings.threads,
        host="127.0.0.1",
        # Every user of the machine reaches loopback.
        security=True,
        dashboard_address=_NO_DASHBOARD,
        scheduler_kwargs={"dashboard": False},
        # Dask measures the worker, but items run in its children.
        memory_limit=0,
        silence_logs=logging.CRITICAL,
    )


def slurm_options(
    settings: DaskConfig, launcher: LauncherConfig, root: Path, token: str
) -> dict[str, Any]:
    """The arguments of `SLURMCluster`."""
    slurm = launcher.slurm
    directives = [f"--export={','.join(_EXPORTED)}"]
    directives += [f"--qos={slurm.qos}"] if slurm.qos else []
    directives += [f"--constraint={slurm.constraint}"] if slurm.constraint else []
    return {
        "queue": settings.partition or slurm.partition,
        "account": slurm.account,
        "cores": settings.threads,
        "processes": 1,
        "memory": settings.memory,
        "walltime": settings.time or _DEFAULT_TIME,
        "job_name": f"xlm-data-{token}",
        "python": shlex.quote(slurm.python or sys.executable),
        "interface": settings.interface,
        "job_script_prologue": list(slurm.setup),
        "job_extra_directives": directives,
        "death_timeout": _DEATH_SECONDS,
        "log_directory": str(logs_of(settings, root, token)),
        "local_directory": "/tmp",
        # A nanny would start again what Slurm ends, and measures the worker, not its children.
        "nanny": False,
        "worker_extra_args": ["--no-dashboard"],
        "scheduler_options": {"dashboard": False, "dashboard_address": _NO_DASHBOARD},
    }


def _on_slurm(settings: DaskConfig, launcher: LauncherConfig, root: Path, token: str) -> Any:
    from dask_jobqueue import SLURMCluster

    cluster = SLURMCluster(
        **slurm_options(settings, launcher, root, token),
        security=write_certificates(root / "cache" / "dask" / token),
    )
    # Unlike `scale`, this replaces a job that was cancelled or has reached its time limit.
    cluster.adapt(minimum_jobs=settings.workers, maximum_jobs=settings.workers)
    return cluster


def _on_kubernetes(settings: DaskConfig, launcher: LauncherConfig, root: Path, token: str) -> Any:
    kubernetes = launcher.kubernetes
    require_settings(kubernetes)
    from dask_kubernetes.operator import KubeCluster

    return KubeCluster(
        custom_cluster_spec=cluster_spec(settings, kubernetes, root, f"xlm-data-{token}"),
        namespace=kubernetes.namespace,
        resource_timeout=int(settings.worker_seconds),
        shutdown_on_close=True,
        quiet=True,
    )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
