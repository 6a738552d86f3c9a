"""The files in the directory of a job, by which everybody who sees the store knows about it.

    job.json             the job (`ClusterJob`), which the agent reads
    launcher.json        the settings of the launcher
    token                a part of the job's name, drawn once for this directory
    submission-N.json    written before the N-th submission: who submits, and which jobs existed
    submission-N.id      the id that the scheduler answered; missing if the answer was lost
    attempts.jsonl       one line for each start of the job, by its agent
    outcome.json         how the last attempt ended, by its agent
    again                exists if the attempt wants to be started again
    cancelled            exists if somebody has cancelled the job since the last run began
    node-N.json          exit code and use of resources of the agent of node N

The process that submits and the job itself are often on different machines, and either may be
killed at any point. Every file is written completely or not at all.
"""

import json
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

from xlm.cluster.job import RECORD_FILE, ClusterJob
from xlm.config.launcher.launcher import LauncherConfig
from xlm.store.disk.filesystem import read_small, write_atomically

OUTCOME_FILE = "outcome.json"
AGAIN_FILE = "again"
"""The batch script looks for this file."""
_CANCELLED = "cancelled"
_LAUNCHER = "launcher.json"
_ATTEMPTS = "attempts.jsonl"
_TOKEN = "token"
_TOKEN_BYTES = 4
_NODE_NAME = re.compile(r"node-(\d{1,9})\.json", re.ASCII)
_SUBMISSION_NAME = re.compile(r"submission-(\d{1,9})\.json", re.ASCII)
T = TypeVar("T")


class End(StrEnum):
    """How an attempt ended."""

    DONE = "done"
    STOPPED = "stopped"
    """It was asked to stop and has saved its state."""
    FAILED = "failed"
    """It failed; another attempt may succeed."""
    CANNOT_GO_ON = "cannot go on"
    """It reported an error that another attempt would meet too."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How the last attempt ended, as the agent of the first node reports it."""

    end: End
    reason: str = ""
    """The reason of the agent itself; errors of processes are in their failure records."""
    job_id: str = ""
    """The scheduler's id, if the agent knows it."""
    measured: Mapping[str, float | int | str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Submission:
    """An intent to submit a job, and its result."""

    number: int
    created_at: float
    """Seconds since the epoch."""
    host: str
    pid: int
    earlier: tuple[str, ...]
    """Ids of ended jobs of this name that the scheduler showed before: none of them is ours."""
    job_id: str = ""
    """Empty until the scheduler has answered."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A start of the job."""

    token: str
    """Drawn at the start. An agent ends when a later attempt has written its own."""
    started_at: float
    job_id: str
    checkpoint: str
    """The newest checkpoint at the start; empty: none."""
    host: str
    end: End | None = None
    """None if the attempt was killed, or still runs."""


@dataclass(frozen=True, kw_only=True)
class NodeEnd:
    """How the agent of one node ended, and what its processes used."""

    exit_code: int
    cpu_seconds: float
    peak_memory_bytes: int
    start: str = ""
    """Job and port of this start: a node that was lost may write its record much later."""


_SETTINGS = TypeAdapter(LauncherConfig)
_OUTCOME, _SUBMISSION = TypeAdapter(Outcome), TypeAdapter(Submission)
_ATTEMPT, _NODE = TypeAdapter(Attempt), TypeAdapter(NodeEnd)


class JobRecords:
    """Reads and writes the files of one job."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def token(self) -> str:
        """The token of this directory; the first caller draws it."""
        path = self.directory / _TOKEN
        self.directory.mkdir(parents=True, exist_ok=True)
        if (found := self._text(path)) is None:
            drawn = path.with_name(f".{_TOKEN}.{secrets.token_hex(_TOKEN_BYTES)}")
            drawn.write_text(secrets.token_hex(_TOKEN_BYTES), encoding="utf-8")
            with suppress(FileExistsError):
                os.link(drawn, path)  # complete or absent, and the first one wins
            drawn.unlink()
            found = self._text(path)
        return found or ""

    def write_job(self, job: ClusterJob) -> None:
        """Write the record of the job, for its agents."""
        write_atomically(job.record, job.to_json())

    def job(self) -> ClusterJob | None:
        """The job, from its record."""
        try:
            return ClusterJob.read(self.directory / RECORD_FILE)
        except (OSError, ValueError):
            return None

    def write_launcher(self, settings: LauncherConfig) -> None:
        """Record how to reach the scheduler, for those who come later without a profile."""
        text = settings.model_dump_json(indent=1, exclude={"environment"}) + "\n"
        write_atomically(self.directory / _LAUNCHER, text.encode())

    def launcher(self) -> LauncherConfig | None:
        """The settings that the job was submitted with; None if another user wrote them.

        They name a kubeconfig, and that may name a program which runs as the user who asks.
        """
        path = self.directory / _LAUNCHER
        try:
            is_ours = path.lstat().st_uid in (os.getuid(), 0)
        except OSError:
            return None
        return _read(path, _SETTINGS) if is_ours else None

    def newest_submission(self) -> Submission | None:
        """The last intent to submit the job, with the id if there was an answer."""
        names = (path.name for path in self.directory.glob("submission-*.json"))
        numbers = [int(match[1]) for name in names if (match := _SUBMISSION_NAME.fullmatch(name))]
        if not numbers:
            return None
        number = max(numbers)
        found = _read(self._submission(number), _SUBMISSION)
        job_id = self._text(self._submission(number).with_suffix(".id")) or ""
        if found is None:  # a full disk, or a file system that lost its contents
            return Submission(
                number=number, created_at=0, host="", pid=0, earlier=(), job_id=job_id
            )
        return _with_id(found, job_id)

    def begin_submission(
        self, earlier: tuple[str, ...], *, number: int, created_at: float
    ) -> Submission | None:
        """Record the intent to submit; None: another process was first with this number."""
        intent = Submission(
            number=number,
            created_at=created_at,
            host=os.uname().nodename,
            pid=os.getpid(),
            earlier=earlier,
        )
        path = self._submission(number)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(_TOKEN_BYTES)}")
        write_atomically(draft, _SUBMISSION.dump_json(intent) + b"\n")
        try:
            os.link(draft, path)
        except FileExistsError:
            return None
        finally:
            draft.unlink()
        return intent

    def note_id(self, submission: Submission, job_id: str) -> Submission:
        """Record the id that the scheduler answered, or under which the job was found."""
        path = self._submission(submission.number).with_suffix(".id")
        write_atomically(path, f"{job_id}\n".encode())
        return _with_id(submission, job_id)

    def forget_submission(self, submission: Submission) -> None:
        """Remove the intent of a submission that was refused: no job came of it."""
        self._submission(submission.number).unlink(missing_ok=True)

    def outcome(self) -> Outcome | None:
        """How the last attempt ended; None if it was killed or still runs."""
        return _read(self.directory / OUTCOME_FILE, _OUTCOME)

    def write_outcome(self, outcome: Outcome, *, again: bool) -> None:
        """Record how this attempt ended, and whether it wants to be started again."""
        if again:
            (self.directory / AGAIN_FILE).touch()
        write_atomically(self.directory / OUTCOME_FILE, _OUTCOME.dump_json(outcome) + b"\n")

    def wants_again(self) -> bool:
        """Whether the last attempt wants to be started again."""
        return (self.directory / AGAIN_FILE).exists()

    def clear_outcome(self) -> None:
        """Remove what an earlier attempt reported about its end."""
        for name in (OUTCOME_FILE, AGAIN_FILE):
            (self.directory / name).unlink(missing_ok=True)
        for path in self.directory.glob("node-*.json"):
            path.unlink(missing_ok=True)

    def note_cancelled(self) -> None:
        """Record that the job is to end and not to be started again, unless the disk is full."""
        with suppress(OSError):
            (self.directory / _CANCELLED).touch()

    def is_cancelled(self) -> bool:
        """Whether somebody has cancelled the job, though its scheduler may not have answered."""
        return os.path.exists(self.directory / _CANCELLED)  # noqa: PTH110 - also if the disk fails

    def clear_cancelled(self) -> None:
        """Forget an earlier wish: a new run wants the job."""
        (self.directory / _CANCELLED).unlink(missing_ok=True)

    def attempts(self) -> list[Attempt]:
        """The starts of the job since the last run of the pipeline that submitted it."""
        try:
            lines = read_small(self.directory / _ATTEMPTS).splitlines()
        except OSError:
            return []
        found = []
        for line in lines:
            with suppress(ValueError):  # the last line of a killed agent may be incomplete
                found.append(_ATTEMPT.validate_json(line))
        return found

    def write_attempts(self, attempts: list[Attempt]) -> None:
        """Replace the list of starts."""
        lines = [_ATTEMPT.dump_json(one) + b"\n" for one in attempts]
        write_atomically(self.directory / _ATTEMPTS, b"".join(lines))

    def write_node(self, node: int, end: NodeEnd) -> None:
        """Record how the agent of one node ended."""
        write_atomically(self.directory / f"node-{node}.json", _NODE.dump_json(end))

    def node(self, node: int) -> NodeEnd | None:
        """How the agent of one node ended; None if it could not report that, or still runs."""
        return _read(self.directory / f"node-{node}.json", _NODE)

    def nodes(self) -> list[NodeEnd]:
        """The ends of all agents of the last attempt that could report theirs."""
        found = (self.node(node) for node in sorted(self.node_versions()))
        return [one for one in found if one is not None]

    def node_versions(self) -> dict[int, int]:
        """When the record of each node was written, in nanoseconds since the epoch."""
        found = {}
        for path in self.directory.glob("node-*.json"):
            if match := _NODE_NAME.fullmatch(path.name):
                with suppress(OSError):
                    found[int(match[1])] = path.stat().st_mtime_ns
        return found

    def _submission(self, number: int) -> Path:
        return self.directory / f"submission-{number}.json"

    @staticmethod
    def _text(path: Path) -> str | None:
        try:
            return read_small(path).decode().strip() or None
        except (OSError, ValueError):
            return None


def _read(path: Path, adapter: TypeAdapter[T]) -> T | None:
    try:
        return adapter.validate_json(read_small(path))
    except (OSError, ValueError):
        return None


def _with_id(submission: Submission, job_id: str) -> Submission:
    values = json.loads(_SUBMISSION.dump_json(submission))
    return _SUBMISSION.validate_python(values | {"job_id": job_id})
