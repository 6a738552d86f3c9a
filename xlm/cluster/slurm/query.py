"""What Slurm shows of the jobs of a name: squeue, then scontrol, then sacct.

seen = find_jobs("xlm-pretrain-0123456789ab-abcdef", seconds=60)

Jobs are asked for by name. Asked for by its id, a forgotten job and a controller that does not
answer are both an error; by name, a forgotten job is an empty list, and only an outage is an error.
"""

import re
from dataclasses import replace

from xlm.cluster.job import JobState, SeenJob
from xlm.cluster.slurm.commands import Answer, own_user, run_slurm
from xlm.cluster.slurm.states import is_state, state_of
from xlm.errors import ClusterError, UnreachableClusterError

_SEPARATOR = "|"
_SQUEUE_FORMAT = "%i|%T|%S|%N|%r"
_SQUEUE_FIELDS = 5
_SACCT_FIELDS = "JobIDRaw,State,ExitCode,Start,NodeList"
_SACCT_SINCE = "now-60days"
_ID = re.compile(r"\d+", re.ASCII)
_NO_ACCOUNTING = ("accounting storage is disabled", "is not installed", "not enabled")


def find_jobs(name: str, *, seconds: float) -> list[SeenJob]:
    """All jobs of a name and of this user that Slurm remembers, the oldest first.

    Raises:
        ClusterError: squeue is missing, or does not know our options.
        UnreachableClusterError: the controller did not answer, or not in words that we understand.
    """
    answer = run_slurm(
        ["squeue", "--noheader", own_user(), "--states=all", f"--name={name}", "-o",
         _SQUEUE_FORMAT],
        seconds=seconds,
    )  # fmt: skip
    if answer.is_misuse:
        raise ClusterError(f"squeue is of another version: {answer.shown()}", fix="report this")
    if answer.status != 0:
        raise UnreachableClusterError(f"squeue failed: {answer.shown()}")
    # Clusters of a federation show one job under one id, and may show it twice.
    shown = sorted(map(_from_squeue, answer.output.splitlines()), key=lambda job: job.state.is_live)
    found = {job.job_id: job for job in shown}
    for job in list(found.values()):
        found[job.job_id] = _with_details(job, seconds)
    # The database is slow, and only knows more about ended jobs: what the controller does not know
    # cannot live.
    if not any(job.state.is_live for job in found.values()):
        for job in _from_accounting(name, seconds):
            if not job.state.is_live:
                found.setdefault(job.job_id, job)
    return sorted(found.values(), key=lambda job: int(job.job_id))


def _from_squeue(line: str) -> SeenJob:
    fields = line.strip().split(_SEPARATOR, _SQUEUE_FIELDS - 1)
    if len(fields) < _SQUEUE_FIELDS or not _ID.fullmatch(fields[0]) or not is_state(fields[1]):
        raise UnreachableClusterError(
            f"squeue printed something unexpected: {line[:200]!r}",
            fix="try squeue by hand",
        )
    job_id, state, start, nodes, reason = fields
    is_explained = reason.strip() not in ("", "None")
    return SeenJob(
        job_id=job_id,
        state=state_of(state, None),
        words=f"{state} ({reason})" if is_explained else state,
        nodes=nodes,
        started_at=_time(start),
    )


def _with_details(job: SeenJob, seconds: float) -> SeenJob:
    """Add exit code and restarts, which squeue does not show; without an answer, leave them out."""
    if job.state == JobState.PENDING:
        return job
    try:
        answer = run_slurm(["scontrol", "--oneliner", "show", "job", job.job_id], seconds=seconds)
    except UnreachableClusterError:
        return job
    if answer.status != 0:
        return job
    code = re.search(r"\bExitCode=(\d+):(\d+)", answer.output)
    restarts = re.search(r"\bRestarts=(\d+)", answer.output)
    exit_code = int(code[1]) if code else None
    word = job.words.partition(" ")[0]
    return replace(
        job,
        exit_code=None if job.state.is_live else exit_code,
        state=state_of(word, exit_code),
        restarts=int(restarts[1]) if restarts else 0,
    )


def _from_accounting(name: str, seconds: float) -> list[SeenJob]:
    """Jobs of the accounting database, which many clusters do not have."""
    try:
        answer = run_slurm(
            ["sacct", "--allocations", "--noheader", "--parsable2", f"--name={name}",
             f"--starttime={_SACCT_SINCE}", f"--format={_SACCT_FIELDS}"],
            seconds=seconds,
        )  # fmt: skip
    except ClusterError:
        return []
    if answer.status != 0 or _has_no_accounting(answer):
        return []
    return [job for job in map(_from_sacct, answer.output.splitlines()) if job is not None]


def _has_no_accounting(answer: Answer) -> bool:
    text = answer.errors.lower()
    return any(words in text for words in _NO_ACCOUNTING)


def _from_sacct(line: str) -> SeenJob | None:
    """A line of sacct; None for one that we do not understand: it only adds to squeue."""
    fields = line.strip().split(_SEPARATOR)
    if len(fields) != _SACCT_FIELDS.count(",") + 1 or not _ID.fullmatch(fields[0]):
        return None
    job_id, state, code, start, nodes = fields
    status = code.partition(":")[0]
    exit_code = int(status) if status.isdigit() else None
    return SeenJob(
        job_id=job_id,
        state=state_of(state, exit_code),
        words=state,
        exit_code=exit_code,
        nodes="" if nodes.startswith("None") else nodes,
        started_at=_time(start),
    )


def _time(text: str) -> float | None:
    """Seconds since the epoch, as SLURM_TIME_FORMAT=%s makes Slurm print times."""
    return float(text) if text.isdigit() else None
