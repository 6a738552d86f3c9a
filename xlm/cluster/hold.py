"""The staging folder that a job of a cluster holds: nobody else may write into it.

    require_no_job(scratch)                     # before training here
    require_same_cluster(scratch, settings)     # before a job is submitted

`Staging.hold` names the launcher and the job. It is written before the job is submitted, and
removed by the process that sees the end of the job.
"""

import os
from pathlib import Path

from xlm.cluster.job import is_job_name
from xlm.cluster.jobs import Jobs
from xlm.cluster.records import End, JobRecords
from xlm.cluster.schedulers import scheduler_of
from xlm.config.launcher.launcher import LauncherConfig
from xlm.errors import ClusterError
from xlm.store.artifact import Staging
from xlm.store.disk.filesystem import read_small

_OF_THE_COMMAND = ("command_seconds", "credentials_seconds")
"""Settings of the process that asks a cluster, not of a job."""


def job_directory(staging: Staging) -> Path:
    """The folder with the records of the job that builds an artifact."""
    return staging.scratch / "cluster"


def held_by_job(hold: Path) -> str:
    """Launcher and name of the job that holds a staging folder; empty if that cannot be read."""
    try:
        return " ".join(read_small(hold).decode().split())
    except (OSError, ValueError):
        return ""


def name_of_job(staging: Staging) -> str | None:
    """The name of the job that holds a staging folder; None if neither record of it can be read."""
    name = held_by_job(staging.hold).rpartition(" ")[2]
    if is_job_name(name):
        return name
    job = JobRecords(job_directory(staging)).job()
    return None if job is None else job.name


def require_no_job(scratch: Path, *, but_of: str = "local") -> None:
    """Refuse to train while a job of another launcher may write into the same folder."""
    hold = Staging(scratch.parent).hold
    if not os.path.lexists(hold):
        return
    held_by = held_by_job(hold)
    kind = held_by.partition(" ")[0]
    if but_of != "local" and kind in ("", but_of):
        return  # the launcher finds it
    records = JobRecords(job_directory(Staging(scratch.parent)))
    outcome = records.outcome()
    # After a failure, the scheduler itself may start the job again.
    if outcome is not None and outcome.end in (End.DONE, End.CANNOT_GO_ON):
        hold.unlink()  # it ended while nobody waited for it
        return
    way = f"run with `--launcher {kind}`, which finds it; or " if kind else ""
    raise ClusterError(
        f"a job may still write into {scratch}: {held_by or 'its name cannot be read'}",
        fix=f"{way}cancel it with `xlm cancel {scratch.parent.name[:12]}`. If its cluster is gone, "
        f"remove {hold}",
    )


def require_same_cluster(scratch: Path, settings: LauncherConfig) -> None:
    """Refuse a second job while one of another cluster of the same kind may write into a folder.

    Raises:
        ClusterError: the job was submitted to another context or namespace of Kubernetes.
    """
    staging = Staging(scratch.parent)
    earlier = JobRecords(job_directory(staging)).launcher()
    if earlier is None or not os.path.lexists(staging.hold) or settings.kind != "kubernetes":
        return
    there, here = earlier.kubernetes, settings.kubernetes
    for name in ("context", "namespace", "kubeconfig"):
        before, now = getattr(there, name), getattr(here, name)
        if before != now:
            raise ClusterError(
                f"a job may still write into {scratch}: it was submitted with "
                f"launcher.kubernetes.{name} {before}, and now that is {now}",
                fix=f"use the same, or cancel it with `xlm cancel {staging.base.name[:12]}`",
            )


def changed_settings(before: LauncherConfig | None, now: LauncherConfig) -> str:
    """The settings of the cluster that have changed since a job was submitted; empty if none."""
    if before is None or before.kind != now.kind:
        return ""
    old, new = before.model_dump(mode="json")[now.kind], now.model_dump(mode="json")[now.kind]
    names = [name for name in new if old[name] != new[name] and name not in _OF_THE_COMMAND]
    return ", ".join(_shown(f"launcher.{now.kind}.{name}", old[name]) for name in names)


def settings_of_job(before: LauncherConfig, now: LauncherConfig) -> LauncherConfig:
    """The settings that a job was submitted with, and today's of the command that asks for it."""
    section = now.model_dump()[now.kind]
    update = {name: section[name] for name in _OF_THE_COMMAND if name in section}
    changed = getattr(before, now.kind).model_copy(update=update)
    return before.model_copy(update={now.kind: changed})


def _shown(name: str, value: object) -> str:
    """A setting with its value, but not lines of a script or variables: they may be secret."""
    if isinstance(value, list | dict):
        return f"another {name}"
    return f"{name}={'null' if value is None else value}"


def abandon_job(settings: LauncherConfig, scratch: Path) -> None:
    """End the job of a staging folder before its files are discarded.

    Raises:
        ClusterError: it could not be ended, or has no name that can be read.
    """
    require_no_job(scratch, but_of=settings.kind)
    require_same_cluster(scratch, settings)
    staging = Staging(scratch.parent)
    if not os.path.lexists(staging.hold):
        return
    if (name := name_of_job(staging)) is None:
        raise ClusterError(
            f"a job may still write into {scratch}, and its name cannot be read",
            fix=f"look for it with the tools of the cluster, cancel it, and remove {staging.hold}",
        )
    Jobs(scheduler_of(settings)).cancel(name, JobRecords(job_directory(staging)))
