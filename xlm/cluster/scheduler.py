"""The protocol of schedulers: what we need from Slurm, and from Kubernetes.

Implementations only translate. Decisions (submit again, give up, who is first) are made in one
place, for all of them: `xlm.cluster.jobs`.
"""

from typing import Protocol

from xlm.cluster.job import ClusterJob, SeenJob


class Scheduler(Protocol):
    """Submits, finds and cancels jobs."""

    name: str
    """As in `launcher.kind`: "slurm"."""

    def submit(self, job: ClusterJob) -> str:
        """Submit a job and return its id; a job of the same name that still lives is the answer.

        The record of the job (`job.record`) has been written. The job runs the agent on each node,
        as `python -P -m xlm.cluster.agent RECORD`, in the environment that its module describes.

        Raises:
            ClusterError: the scheduler refused the job; it does not exist.
            UnreachableClusterError: there was no answer; the job may exist, and `find` will tell.
        """
        ...

    def find(self, name: str) -> list[SeenJob]:
        """All jobs of a name that the scheduler remembers, the oldest first; often none.

        Raises:
            UnreachableClusterError: there was no answer. It never means that there is no job.
        """
        ...

    def cancel(self, name: str, *, kill: bool = False) -> None:
        """Ask all living jobs of a name to end, and forget those that wait; return at once.

        Args:
            kill: end the processes now, without time to save their state.

        Raises:
            UnreachableClusterError: there was no answer.
        """
        ...
