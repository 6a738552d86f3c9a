"""Jobs that would be waited for, or submitted, forever."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster.fakes import FakeClock, FakeScheduler, make_job
from xlm.cluster.job import JobState
from xlm.cluster.jobs import Jobs
from xlm.cluster.records import Attempt, JobRecords
from xlm.cluster.watch import JobFailedError, JobWatch


class _Interrupting(FakeScheduler):
    """Interrupts each job; `starts`: after its agent has recorded the start."""

    def __init__(self, records: JobRecords, *, starts: int) -> None:
        super().__init__()
        self._records, self._starts = records, starts

    def find(self, name: str) -> list:  # type: ignore[type-arg]
        if self.jobs and self.jobs[-1].state.is_live:
            number = len(self.jobs)
            if number <= self._starts:
                attempt = Attempt(
                    token=str(number), started_at=0, job_id="", checkpoint=str(number), host="n"
                )
                self._records.write_attempts([attempt])
            self.jobs[-1] = replace(self.jobs[-1], state=JobState.INTERRUPTED, words="TIMEOUT")
        return super().find(name)


@pytest.mark.parametrize("starts", [0, 5])
def test_a_job_that_never_starts_its_work_is_given_up(tmp_path: Path, starts: int) -> None:
    job = make_job(tmp_path, max_idle_restarts=2)
    scheduler = _Interrupting(JobRecords(job.directory), starts=starts)
    clock = FakeClock()
    watch = JobWatch(
        Jobs(scheduler, clock), job, on_wait=lambda: None, log=lambda line: None, clock=clock
    )
    with pytest.raises(JobFailedError, match=r"3 times in a row, it did not start .*TIMEOUT"):
        watch.run()
    assert len(scheduler.submitted) == starts + 3


@pytest.mark.parametrize(("ahead", "submits"), [(100.0, False), (-100.0, False), (9e9, True)])
def test_an_intent_of_a_machine_whose_clock_differs(
    tmp_path: Path, ahead: float, submits: bool
) -> None:
    job, scheduler, clock = make_job(tmp_path), FakeScheduler(), FakeClock()
    records = JobRecords(job.directory)
    job.directory.mkdir(parents=True)
    intent = records.begin_submission((), number=1, created_at=clock.time() + ahead)
    assert intent is not None
    path = job.directory / "submission-1.json"
    path.write_text(path.read_text().replace(f'"{os.uname().nodename}"', '"another-machine"'))
    Jobs(scheduler, clock).try_ensure(job, is_new_run=True)
    assert bool(scheduler.submitted) is submits
