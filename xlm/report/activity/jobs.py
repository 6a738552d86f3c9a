"""The job of a cluster that builds an artifact: what its records and its scheduler say.

    if (job := job_of(build)) is not None: print(job.state, job.place)
    cancel_job(store, "pretrain")

The records are in the staging folder, so a job is found from every machine that sees the store; its
scheduler answers only where its client and its credentials are.
"""

from dataclasses import dataclass

from xlm.cluster.hold import held_by_job, job_directory, name_of_job
from xlm.cluster.job import JobState
from xlm.cluster.jobs import Jobs, JobStatus
from xlm.cluster.records import End, JobRecords
from xlm.cluster.schedulers import scheduler_of
from xlm.config.launcher.launcher import LauncherConfig
from xlm.errors import StoreError, UnreachableClusterError, XlmError
from xlm.report.activity.names import is_named, node_of
from xlm.store.store import ArtifactStore
from xlm.store.underway import Build, builds_underway


@dataclass(frozen=True)
class JobFacts:
    """A job that may still write into the staging folder of a build."""

    name: str
    job_id: str
    """As the scheduler knows it; empty before it has answered."""
    state: str
    """`pending`, `running`, `done` (the next run takes its result), `stopped`, or `unknown`."""
    place: str
    """Where it runs: "slurm job 4711 on n[1-2]"."""
    starts: int
    """How often it was started."""
    began: float | None
    """When it was started last, in seconds since the epoch."""


def job_of(build: Build) -> JobFacts | None:
    """Ask about the job of a build; None if no job may write into its folder."""
    if (found := held_job(build)) is None:
        return None
    name, records, settings = found
    try:
        status = JobStatus.of(name, records, scheduler_of(settings))
    except XlmError:  # its client is not installed here, or has no access
        status = JobStatus.of(name, records, None)
    job_id = status.submission.job_id if status.submission else ""
    place = f"{settings.kind} job {job_id}".rstrip()
    if status.nodes:
        place += f" on {status.nodes}"
    return JobFacts(
        name=name,
        job_id=job_id,
        state=_state(status),
        place=place,
        starts=len(status.attempts),
        began=status.attempts[-1].started_at if status.attempts else None,
    )


def cancel_job(store: ArtifactStore, text: str) -> str:
    """End the job that builds `STAGE`, `STAGE[UNIT]` or a key, and return its name.

    Raises:
        StoreError: no job of a cluster builds it.
        ClusterError: it could not be ended.
    """
    builds = [one for one in builds_underway(store) if is_named(text, node_of(one), one.key)]
    held = [(build, found) for build in builds if (found := held_job(build)) is not None]
    if not held and (blocked := [one for one in builds if one.is_held]):
        hold = blocked[0].staging.hold
        raise StoreError(
            f"a job holds {blocked[0].staging.base}, but its records cannot be read",
            fix=f"look for it with the tools of the cluster ({held_by_job(hold) or 'no name'}), "
            f"cancel it, and remove {hold}",
        )
    if not held:
        running = [one for one in builds if one.is_running]
        here = "; its build was stopped before" if builds else ""
        if running:
            here = f"; it runs on {running[0].host or 'a machine'}, without a cluster"
        raise StoreError(
            f"no job of a cluster builds {text[:80]!r} in {store.root}{here}",
            fix="`xlm status` lists what runs",
        )
    if len(held) > 1:
        keys = ", ".join(build.key[:12] for build, _ in held)
        raise StoreError(f"{len(held)} jobs build {text}", fix=f"give one of their keys: {keys}")
    ((build, (name, records, settings)),) = held
    try:
        Jobs(scheduler_of(settings)).cancel(name, records)
    except UnreachableClusterError as error:
        raise UnreachableClusterError(
            f"job {name} may still run: {error.what}",
            fix="a run that waits for it cancels it as soon as its scheduler answers; if there is "
            "none, cancel it again then",
        ) from error
    if not build.is_locked:
        # A run that waits for the job may be about to submit it, and removes this itself.
        build.staging.hold.unlink(missing_ok=True)
    return name


def held_job(build: Build) -> tuple[str, JobRecords, LauncherConfig] | None:
    """The job that holds the folder of a build, and the settings that it was submitted with."""
    if not build.is_held:
        return None
    records = JobRecords(job_directory(build.staging))
    name, settings = name_of_job(build.staging), records.launcher()
    return None if name is None or settings is None else (name, records, settings)


def _state(status: JobStatus) -> str:
    if status.live is not None and status.live.state != JobState.UNKNOWN:
        return str(status.live.state)
    if status.outcome is not None and status.outcome.end == End.DONE:
        return "done"
    if status.seen is None or status.live is not None:
        return "unknown"
    return "stopped"
