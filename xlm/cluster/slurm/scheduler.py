"""Slurm as a scheduler: sbatch, squeue, scontrol, sacct and scancel.

scheduler = SlurmScheduler(config.launcher.slurm)
"""

import re

from xlm.cluster.job import ClusterJob, SeenJob
from xlm.cluster.slurm.commands import own_user, run_slurm
from xlm.cluster.slurm.query import find_jobs
from xlm.cluster.slurm.script import render_script
from xlm.config.launcher.slurm import SlurmConfig
from xlm.errors import ClusterError, UnreachableClusterError
from xlm.store.disk.filesystem import write_atomically

SCRIPT_FILE = "job.sbatch"
_ID = re.compile(r"(\d+)(?:;.*)?", re.ASCII)


class SlurmScheduler:
    """Submits, finds and cancels jobs by the commands of Slurm."""

    name = "slurm"

    def __init__(self, settings: SlurmConfig) -> None:
        self._settings = settings
        self._seconds = settings.command_seconds

    def submit(self, job: ClusterJob) -> str:
        """Submit a job; see `Scheduler.submit`.

        `--dependency=singleton` lets a second job of the same name wait for the first, whatever we
        know about that.
        """
        script = job.directory / SCRIPT_FILE
        write_atomically(script, render_script(job, self._settings).encode())
        # As arguments, paths need no quotes; the output of the script is relative to the folder.
        answer = run_slurm(
            ["sbatch", "--parsable", f"--chdir={job.directory}", str(script)],
            seconds=self._seconds,
        )
        if answer.is_outage:
            raise UnreachableClusterError(f"sbatch failed: {answer.shown()}")
        if answer.status != 0:
            raise ClusterError(
                f"Slurm refused job {job.name}: {answer.shown()}",
                fix="correct launcher.slurm; `sinfo` shows partitions, "
                "`sacctmgr show assoc user=$USER` accounts",
            )
        match = _ID.fullmatch(answer.output.splitlines()[-1].strip() if answer.output else "")
        if match is None:
            raise UnreachableClusterError(f"sbatch printed no job id: {answer.shown()!r}")
        return match[1]

    def find(self, name: str) -> list[SeenJob]:
        """Find the jobs of a name; see `Scheduler.find`."""
        return find_jobs(name, seconds=self._seconds)

    def cancel(self, name: str, *, kill: bool = False) -> None:
        """Cancel the jobs of a name; see `Scheduler.cancel`.

        A cancelled job gets SIGTERM and, after Slurm's KillWait, SIGKILL. To kill it at once, its
        processes get SIGKILL first.
        """
        words = ["scancel", own_user(), f"--name={name}"]
        if kill:
            run_slurm([*words, "--full", "--signal=KILL"], seconds=self._seconds)
        answer = run_slurm(words, seconds=self._seconds)
        if answer.status != 0:
            raise UnreachableClusterError(f"scancel failed: {answer.shown()}")
