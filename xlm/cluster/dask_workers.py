"""The workers of other machines that a configuration names."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from importlib.util import find_spec

from xlm.config.compute import ComputeConfig
from xlm.config.launcher.launcher import LauncherConfig
from xlm.errors import ToolError
from xlm.processes.pool.item_executor import ItemExecutor
from xlm.store.store import ArtifactStore

_PACKAGES = {
    "local": ("distributed", "cryptography"),
    "slurm": ("distributed", "dask_jobqueue", "cryptography"),
    "kubernetes": ("distributed", "dask_kubernetes"),
}

OpenCluster = Callable[[ArtifactStore], AbstractContextManager[ItemExecutor]]


def cluster_of(compute: ComputeConfig, launcher: LauncherConfig) -> OpenCluster | None:
    """A function that opens the workers; None: the items run in processes of this machine.

    Raises:
        ToolError: a package is not installed.
    """
    if compute.executor == "processes":
        return None
    for package in _PACKAGES.get(compute.dask.cluster or "", ("distributed",)):
        if find_spec(package) is None:
            raise ToolError(
                f"compute.executor dask needs the package {package}, which is not installed",
                fix="run `pip install 'xlm-pipeline[cluster]'`",
            )
    from xlm.cluster.dask.opening import open_dask

    return partial(open_dask, settings=compute.dask, launcher=launcher)
