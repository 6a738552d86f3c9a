"""Runs the commands of Slurm: with a time limit, without our secrets, and never misunderstood.

answer = run_slurm(["squeue", "--noheader", ...], seconds=60)

A command that does not answer has perhaps done what it was asked to do.
"""

import os
import pwd
import re
from contextvars import Context
from tempfile import TemporaryFile
from typing import NamedTuple

from xlm.errors import ClusterError, UnreachableClusterError
from xlm.processes.child import CANNOT_START, GuardedChild
from xlm.processes.supervise import wait_for
from xlm.redaction import is_secret_parameter, redact

_SHOWN_CHARACTERS = 300
_OUTAGES = (
    "unable to contact slurm controller",
    "socket timed out",
    "connection refused",
    "communication connection failure",
    "connection timed out",
    "zero bytes were transmitted",
    "transport endpoint",
    "unexpected message received",
    "insane message length",
    "backup controller",
    "temporarily unable to accept job",
    "resource temporarily unavailable",
    "protocol authentication error",
    "invalid authentication credential",
    "munge",
    "failed to fetch config",
    "could not establish a configuration source",
    "system error",
    "try again",
)
"""Words of answers that say nothing about the job: the controller restarts, or is overloaded."""

_KEPT = re.compile("SLURM_(CONF|CLUSTERS|DEBUG_FLAGS|TIME_FORMAT|JWT|SACK_.*)")
"""How the commands find their cluster and prove who asks, and what we set ourselves."""
_MISUSES = ("unrecognized option", "invalid option", "unknown option", "usage:")


class Answer(NamedTuple):
    """What a command has printed, and its exit status."""

    status: int
    output: str
    errors: str

    @property
    def is_outage(self) -> bool:
        """Whether it says that the controller could not be asked."""
        text = self.errors.lower()
        return self.status != 0 and any(words in text for words in _OUTAGES)

    @property
    def is_misuse(self) -> bool:
        """Whether the command does not know our options: it will not, however long we wait."""
        text = self.errors.lower()
        return self.status != 0 and any(words in text for words in _MISUSES)

    def shown(self) -> str:
        """Its error as one line of limited length."""
        text = " ".join((self.errors or self.output).split()) or f"status {self.status}"
        return text[:_SHOWN_CHARACTERS]


def run_slurm(arguments: list[str], *, seconds: float) -> Answer:
    """Run a command of Slurm to its end, also in a run that is being interrupted.

    Raises:
        ClusterError: it is not installed here.
        UnreachableClusterError: it did not end in time.
    """
    # A new context has no group of programs, which an interrupted run ends.
    return Context().run(_run, arguments, seconds)


def _run(arguments: list[str], seconds: float) -> Answer:
    name = arguments[0]
    with TemporaryFile() as output, TemporaryFile() as errors:
        with GuardedChild(
            ["env", *_without_foreign(), *arguments],
            output=output.fileno(),
            errors=errors.fileno(),
            # Times and words are read below.
            environment={"LC_ALL": "C.UTF-8", "SLURM_TIME_FORMAT": "%s"},
            terminate_seconds=2,
            keep_locks=False,
        ) as child:
            if not wait_for([child], timeout_seconds=seconds):
                raise UnreachableClusterError(
                    f"{name} did not answer within {seconds:g} s",
                    fix="look at the cluster with sinfo, or raise launcher.slurm.command_seconds",
                )
            status = child.result().returncode
        texts = []
        for stream in (output, errors):
            stream.seek(0)
            texts.append(stream.read().decode(errors="replace").strip())
    if status == CANNOT_START:
        raise ClusterError(
            f"{name} is not installed on this machine",
            fix="run where Slurm's commands are (a login node), or set launcher.kind=local",
        )
    return Answer(status, *texts)


def own_user() -> str:
    """An option for the jobs of this user, which old versions know too (unlike --me)."""
    try:
        return f"--user={pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:  # a container without users
        return f"--user={os.getuid()}"


def _without_foreign() -> list[str]:
    """Options of `env` that remove variables which a job, readable by others, must not have.

    sbatch stores its environment with the job. Inside of a job of Slurm, it also has what Slurm
    granted to that one, such as SLURM_MEM_PER_NODE, which srun would take for ours. Without a token
    in SLURM_JWT, commands in a container without munge are refused.
    """
    removed = [
        name
        for name, value in os.environ.items()
        if not _KEPT.fullmatch(name)
        and (
            is_secret_parameter(name)
            or name.startswith("PREFECT_")
            or redact(value) != value
            or (name.startswith("SLURM_") and "SLURM_JOB_ID" in os.environ)
        )
    ]
    return [word for name in removed for word in ("-u", name)]
