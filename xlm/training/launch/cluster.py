"""Starts training processes as a job of a cluster, and waits for its end.

    launcher = ClusterLauncher(scheduler_of(settings), settings, CLUSTER_PLACE)
    launcher.run(launch, on_wait=report)

The job outlives the process that waits for it. A later run finds it by its name, which is made from
the key of the artifact and a token in its staging folder.
"""

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xlm.cluster.hold import (
    changed_settings,
    job_directory,
    require_no_job,
    require_same_cluster,
    settings_of_job,
)
from xlm.cluster.job import ClusterJob, job_name
from xlm.cluster.jobs import JobCancelledError, Jobs
from xlm.cluster.records import End, JobRecords, Outcome
from xlm.cluster.scheduler import Scheduler
from xlm.cluster.schedulers import nodes_of, scheduler_of, spread
from xlm.cluster.watch import JobFailedError, JobWatch
from xlm.config.launcher.launcher import LauncherConfig
from xlm.engine.stage import StageContext
from xlm.errors import (
    ClusterError,
    PeerLostError,
    PipelineError,
    RequeueError,
    ToolError,
    TrainingError,
)
from xlm.processes.failure import first_failure
from xlm.processes.lasting import LastingJob, lasting_job
from xlm.store.artifact import Staging
from xlm.store.disk.filesystem import write_atomically
from xlm.training.launch.environment import process_environment
from xlm.training.launch.launcher import Launch, Launcher, Measured
from xlm.training.launch.local import LocalLauncher

log = logging.getLogger(__name__)

_LEAVE_SECONDS = 2.0
"""How long an interrupted run waits for an answer, to know whether it has submitted its job."""


@dataclass(frozen=True, kw_only=True)
class JobTraits:
    """What a cluster must know about a job besides its `Launch`."""

    stage: str
    key: str
    uses_gpu: bool
    checkpoints: tuple[str, ...]
    """Patterns of its checkpoints, relative to the scratch directory."""
    folders: tuple[Path, ...]
    """What the processes read and write."""


class ClusterLauncher:
    """Submits a job, or finds the one that was submitted, and waits for it."""

    def __init__(
        self,
        scheduler: Scheduler,
        settings: LauncherConfig,
        traits: JobTraits,
        log: Callable[[str], None],
    ) -> None:
        self._jobs = Jobs(scheduler)
        self._settings, self._traits, self._log = settings, traits, log

    def run(self, launch: Launch, on_wait: Callable[[], None]) -> Measured:
        """Run the job to its end; see `Launcher.run`.

        Raises:
            PipelineError: the run was interrupted, and the job goes on.
            ClusterError: a job of another launcher may still write.
        """
        require_no_job(launch.job.parent, but_of=self._jobs.scheduler.name)
        job = self._job(launch)
        hold = Staging(launch.job.parent.parent).hold
        require_same_cluster(launch.job.parent, self._settings)
        records = JobRecords(job.directory)
        before = records.launcher()

        def tell_settings() -> None:
            """The settings of this run do not change a job that was submitted before."""
            if (changed := changed_settings(before, self._settings)) and before is not None:
                records.write_launcher(settings_of_job(before, self._settings))
                self._log(
                    f"the job was submitted before, with {changed}; to change that, cancel it "
                    f"first: xlm cancel {self._traits.key[:12]}"
                )

        with lasting_job(job.name) as lasting:
            if lasting.is_ending:
                raise PipelineError("interrupted", fix="run the same command again to continue")
            records.write_launcher(self._settings)
            write_atomically(hold, f"{self._jobs.scheduler.name} {job.name}\n".encode())
            watch = self._watch(job, launch, _Ticker(lasting, on_wait), tell_settings)
            try:
                outcome = watch.run()
            except _LeftError:
                if watch.finish_call(_LEAVE_SECONDS) and records.newest_submission() is None:
                    hold.unlink(missing_ok=True)
                    raise PipelineError(
                        "interrupted", fix="run the same command again to continue"
                    ) from None
                lasting.note_left()
                raise PipelineError(
                    f"interrupted; job {job.name} goes on",
                    fix="the same command waits for it again",
                ) from None
            except _CancelledError:
                self._cancel(watch, job)
                hold.unlink(missing_ok=True)
                raise ClusterError(
                    f"job {job.name} was cancelled on request", fix="the same command continues it"
                ) from None
            except _TimeoutError:
                self._cancel(watch, job)
                hold.unlink(missing_ok=True)
                raise ToolError(
                    f"{launch.module} did not end within {launch.timeout_seconds:,g} s",
                    fix="raise its timeout",
                ) from None
            except JobFailedError as error:
                hold.unlink(missing_ok=True)
                raise self._explained(error, job) from error
            except ClusterError as error:
                # After any other error, such as that squeue is gone, the job may go on.
                records = JobRecords(job.directory)
                if isinstance(error, JobCancelledError) or records.newest_submission() is None:
                    hold.unlink(missing_ok=True)
                raise
        hold.unlink(missing_ok=True)
        return _measured(JobRecords(job.directory), outcome)

    def _job(self, launch: Launch) -> ClusterJob:
        settings, traits = self._settings, self._traits
        directory = job_directory(Staging(launch.job.parent.parent))
        nodes = spread(launch.processes, nodes_of(settings))
        return ClusterJob(
            name=job_name(traits.stage, traits.key, JobRecords(directory).token()),
            directory=directory,
            module=launch.module,
            job_file=launch.job,
            nodes=nodes,
            processes_per_node=launch.processes // nodes,
            threads_per_process=launch.threads_per_process,
            log_path=launch.log_path,
            save_seconds=launch.save_seconds,
            uses_gpu=traits.uses_gpu,
            environment={
                **process_environment(launch.threads_per_process),
                **launch.environment,
                **settings.environment,
            },
            folders=traits.folders,
            checkpoints=traits.checkpoints,
            max_attempts=settings.max_attempts,
            max_idle_restarts=settings.max_idle_restarts,
        )

    def _watch(
        self, job: ClusterJob, launch: Launch, ticker: "_Ticker", on_found: Callable[[], None]
    ) -> JobWatch:
        watch = JobWatch(
            self._jobs,
            job,
            on_wait=ticker,
            log=self._log,
            on_found=on_found,
            poll_seconds=self._settings.poll_seconds,
        )
        ticker.watch, ticker.limit = watch, launch.timeout_seconds
        return watch

    def _cancel(self, watch: JobWatch, job: ClusterJob) -> None:
        """End the job, also one that is being submitted at this moment."""
        watch.finish_call()
        try:
            self._jobs.cancel(job.name, JobRecords(job.directory))
        except ClusterError as error:
            failed = ClusterError(
                f"job {job.name} could not be cancelled ({error.what}); it goes on",
                fix="cancel it with `xlm cancel` or the tools of the cluster",
            )
            # The error of an interrupted stage is not shown.
            log.warning("%s", failed)
            raise failed from error
        self._log(f"job {job.name} is cancelled")

    def _explained(self, error: JobFailedError, job: ClusterJob) -> Exception:
        """The error of the processes themselves, if that ended the job."""
        outcome = JobRecords(job.directory).outcome()
        reported = first_failure(job.job_file)
        if outcome is not None and outcome.end == End.CANNOT_GO_ON:
            if reported is not None and not isinstance(reported, PeerLostError | RequeueError):
                return reported
            return TrainingError(
                f"job {job.name}: {outcome.reason}",
                fix="give it more time, or lower pretrain.checkpoint_updates; a rerun continues "
                "from the newest checkpoint",
            )
        if outcome is not None and outcome.end == End.FAILED:
            return ToolError(
                f"job {job.name} failed {self._settings.max_attempts} times at the same "
                f"checkpoint: {error.reason}",
                fix=f"see {job.log_path}; a rerun continues from the newest checkpoint",
            )
        return error


class _LeftError(Exception):
    """The run ends, and the job goes on."""


class _CancelledError(Exception):
    """Somebody wants the job to end."""


class _TimeoutError(Exception):
    """The job has run too long."""


class _Ticker:
    """Reports progress while the job is waited for, and notices what ends the wait."""

    watch: JobWatch
    limit: float | None

    def __init__(self, lasting: LastingJob, report: Callable[[], None]) -> None:
        self._lasting, self._report = lasting, report

    def __call__(self) -> None:
        if self._lasting.is_cancelled:
            raise _CancelledError
        if self._lasting.is_left:
            raise _LeftError
        if self.limit is not None and self.watch.running_seconds > self.limit:
            raise _TimeoutError
        if not self._lasting.is_ending:
            # An interrupted run ends with its next report; the user is still asked then.
            with suppress(PipelineError):
                self._report()


def launcher_of(
    context: StageContext[Any],
    *,
    stage: str,
    uses_gpu: bool,
    checkpoints: tuple[str, ...],
    reads: Sequence[Path],
) -> Launcher:
    """The launcher that the settings of the stage ask for; see `launch_job` for the arguments.

    Raises:
        ClusterError: a job of a cluster may still write, and the settings ask for this machine.
    """
    settings = context.settings
    if not isinstance(settings, LauncherConfig) or settings.kind == "local":
        require_no_job(context.scratch)
        return LocalLauncher()
    files = [*context.inputs.values(), context.scratch, context.out]
    common = Path(os.path.commonpath([path.absolute() for path in files]))
    others = [path.absolute() for path in reads if not path.absolute().is_relative_to(common)]
    traits = JobTraits(
        stage=stage,
        key=context.key,
        uses_gpu=uses_gpu,
        checkpoints=checkpoints,
        folders=(common, *others),
    )
    return ClusterLauncher(scheduler_of(settings), settings, traits, context.progress.log)


def _measured(records: JobRecords, outcome: Outcome) -> Measured:
    """What all nodes used, and where the job ran."""
    nodes = records.nodes()
    return {
        **outcome.measured,
        "cpu_seconds": sum(node.cpu_seconds for node in nodes),
        "peak_memory_bytes": max((node.peak_memory_bytes for node in nodes), default=0),
        **({"job": outcome.job_id} if outcome.job_id else {}),
    }
