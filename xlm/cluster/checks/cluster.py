"""All checks of the cluster that a configuration names, in order.

for check in check_cluster(config, root): ...
"""

import platform
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from xlm.cluster.checks.check import Check, caught
from xlm.cluster.checks.example import example_job
from xlm.cluster.checks.store import check_store
from xlm.cluster.job import job_name
from xlm.config.pipeline import PipelineConfig
from xlm.errors import ConfigError

PACKAGES = ("xlm-pipeline", "torch", "numpy")
"""Their versions should be the same on all machines."""


def check_cluster(config: PipelineConfig, root: Path, token: str) -> Iterator[Check]:
    """Look at this machine and the cluster; nothing is submitted.

    Args:
        token: random letters and digits, for the name of a job that is only pretended.

    Raises:
        ConfigError: the launcher of the configuration is this machine.
    """
    kind = config.launcher.kind
    if kind == "local":
        raise ConfigError(
            "launcher.kind is local: there is no cluster to check",
            fix="add --launcher slurm or --launcher kubernetes, or set launcher.kind",
        )
    return _checks(config, root, token)


def _checks(config: PipelineConfig, root: Path, token: str) -> Iterator[Check]:
    yield Check.ok("versions", shown_versions(own_versions()))
    yield from check_store(root)
    job = example_job(config, root, name=job_name("check", token, token[::-1]))
    if config.launcher.kind == "slurm":
        from xlm.cluster.slurm.check import check_slurm

        yield from caught("slurm", check_slurm(config.launcher.slurm, job))
    else:
        from xlm.cluster.kubernetes.check import check_kubernetes

        yield from caught("kubernetes", check_kubernetes(config.launcher.kubernetes, job))


def own_versions() -> dict[str, str]:
    """Versions of Python and of the packages that matter, in this environment."""
    found = {"Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "missing"
    return found


def shown_versions(versions: dict[str, str]) -> str:
    """`Python 3.11.2, xlm-pipeline 0.1.0, torch 2.13.0`."""
    return ", ".join(f"{name} {version}" for name, version in versions.items())
