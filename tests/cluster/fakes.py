"""A scheduler that the test drives, and a clock that does not wait."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from xlm.cluster.clock import Clock
from xlm.cluster.job import ClusterJob, JobState, SeenJob
from xlm.errors import ClusterError, UnreachableClusterError


class FakeClock(Clock):
    """Time that passes only while somebody sleeps; then `at` may change the world."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.events: list[tuple[float, Callable[[], None]]] = []

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return 1_700_000_000 + self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for event in sorted(self.events, key=lambda one: one[0]):
            if event[0] <= self.now:
                self.events.remove(event)
                event[1]()

    def after(self, seconds: float, event: Callable[[], None]) -> None:
        """Let something happen in `seconds` of fake time."""
        self.events.append((self.now + seconds, event))


class FakeScheduler:
    """Knows jobs by name, loses answers and forgets jobs on request."""

    name = "fake"

    def __init__(self) -> None:
        self.jobs: list[SeenJob] = []
        self.submitted: list[ClusterJob] = []
        self.cancelled: list[bool] = []
        self.is_down = False
        self.loses_answers = self.loses_submissions = False
        self.refusal: str | None = None
        self.ignores_cancel = False

    def submit(self, job: ClusterJob) -> str:
        if self.refusal:
            raise ClusterError(self.refusal, fix="ask for less")
        if self.is_down or self.loses_submissions:
            raise UnreachableClusterError("no answer")
        self.submitted.append(job)
        job_id = str(4710 + len(self.submitted))
        self.jobs.append(SeenJob(job_id=job_id, state=JobState.PENDING, words="PENDING"))
        if self.loses_answers:
            raise UnreachableClusterError("the answer was lost")
        return job_id

    def find(self, name: str) -> list[SeenJob]:
        if self.is_down:
            raise UnreachableClusterError("no answer")
        return list(self.jobs)

    def cancel(self, name: str, *, kill: bool = False) -> None:
        if self.is_down:
            raise UnreachableClusterError("no answer")
        self.cancelled.append(kill)
        if not self.ignores_cancel or kill:
            self.jobs = [
                replace(job, state=JobState.CANCELLED, words="CANCELLED")
                if job.state.is_live
                else job
                for job in self.jobs
            ]

    def becomes(self, state: JobState, words: str = "", index: int = -1) -> None:
        """Change the state of a job."""
        self.jobs[index] = replace(self.jobs[index], state=state, words=words or state.upper())

    def forgets(self) -> None:
        """Forget all jobs."""
        self.jobs.clear()


def make_job(directory: Path, **changes: object) -> ClusterJob:
    """A job in a directory, which need not be able to run."""
    values: dict[str, object] = {
        "name": "xlm-pretrain-0123456789ab-abcdef",
        "directory": directory / "scratch" / "cluster",
        "module": "xlm.training.launch.entry",
        "job_file": directory / "scratch" / "job.json",
        "nodes": 1,
        "processes_per_node": 1,
        "threads_per_process": 1,
        "log_path": directory / "logs" / "processes.log",
        "save_seconds": 30.0,
        "uses_gpu": False,
    }
    return ClusterJob(**(values | changes))  # type: ignore[arg-type]
