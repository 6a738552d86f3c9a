"""Waiting for a job: submitted once, found again, through failures and outages."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.cluster.fakes import FakeClock, FakeScheduler, make_job
from xlm.cluster.job import ClusterJob, JobState
from xlm.cluster.jobs import Jobs
from xlm.cluster.records import Attempt, End, JobRecords, Outcome
from xlm.cluster.watch import JobFailedError, JobWatch
from xlm.errors import ClusterError, UnreachableClusterError


class World:
    """A job, its scheduler, its records and the lines of its watch."""

    def __init__(self, directory: Path) -> None:
        self.clock, self.scheduler = FakeClock(), FakeScheduler()
        self.job: ClusterJob = make_job(directory)
        self.records = JobRecords(self.job.directory)
        self.lines: list[str] = []

    def watch(self, on_wait: Callable[[], None] = lambda: None) -> Outcome:
        return JobWatch(
            Jobs(self.scheduler, self.clock),
            self.job,
            on_wait=on_wait,
            log=self.lines.append,
            clock=self.clock,
        ).run()

    def ends(self, end: End, state: JobState, words: str = "") -> None:
        """The agent reports an end, and the scheduler shows it."""
        job_id = self.scheduler.jobs[-1].job_id
        self.records.write_outcome(Outcome(end=end, reason="r", job_id=job_id), again=False)
        self.scheduler.becomes(state, words)

    def ends_after(self, seconds: float, end: End, state: JobState) -> None:
        self.clock.after(seconds, lambda: self.ends(end, state))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_job_is_submitted_once_and_its_end_is_seen(world: World) -> None:
    world.clock.after(30, lambda: world.scheduler.becomes(JobState.RUNNING, "RUNNING"))
    world.ends_after(100, End.DONE, JobState.SUCCEEDED)
    assert world.watch().end == End.DONE
    assert len(world.scheduler.submitted) == 1
    assert world.lines == ["job 4711 PENDING", "job 4711 RUNNING"]
    submission = world.records.newest_submission()
    assert submission is not None
    assert submission.job_id == "4711"


def test_a_new_state_is_logged_at_once_and_a_new_reason_once_a_minute(world: World) -> None:
    """`PENDING` was the last word for a minute, while the job ran."""
    at: dict[str, float] = {}

    def note_times() -> None:
        for line in world.lines:
            at.setdefault(line, world.clock.now)

    for seconds, reason in ((20, "(Priority)"), (40, "(Resources)")):
        words = f"PENDING {reason}"
        world.clock.after(seconds, partial(world.scheduler.becomes, JobState.PENDING, words))
    world.clock.after(85, partial(world.scheduler.becomes, JobState.RUNNING))
    world.ends_after(200, End.DONE, JobState.SUCCEEDED)
    world.watch(note_times)
    pending, resources, running = at.values()
    assert list(at) == ["job 4711 PENDING", "job 4711 PENDING (Resources)", "job 4711 RUNNING"]
    assert resources - pending >= 60
    assert running - resources < 60


def test_whoever_comes_later_finds_the_running_job(world: World) -> None:
    class DiedError(Exception):
        pass

    def die() -> None:
        if world.clock.now > 1050:
            raise DiedError

    with pytest.raises(DiedError):
        world.watch(die)
    world.ends_after(50, End.DONE, JobState.SUCCEEDED)
    world.watch()
    assert len(world.scheduler.submitted) == 1


def test_a_job_that_ended_while_nobody_waited_is_done(world: World) -> None:
    Jobs(world.scheduler, world.clock).ensure(world.job)
    world.ends(End.DONE, JobState.SUCCEEDED)
    world.scheduler.forgets()
    world.watch()
    assert len(world.scheduler.submitted) == 1


def test_a_lost_answer_is_found_by_name(world: World) -> None:
    world.scheduler.loses_answers = True
    world.ends_after(60, End.DONE, JobState.SUCCEEDED)
    world.watch()
    assert len(world.scheduler.submitted) == 1
    submission = world.records.newest_submission()
    assert submission is not None
    assert submission.job_id == "4711"


def test_a_submission_that_did_not_arrive_is_repeated(world: World) -> None:
    world.scheduler.loses_submissions = True

    def recover() -> None:
        world.scheduler.loses_submissions = False

    world.clock.after(300, recover)
    world.clock.after(500, lambda: world.ends(End.DONE, JobState.SUCCEEDED))
    world.watch()
    assert len(world.scheduler.submitted) == 1


def test_an_intent_of_a_killed_process_is_not_mistaken_for_a_job(world: World) -> None:
    """It was killed between the intent and the submission."""
    world.job.directory.mkdir(parents=True)
    world.records.begin_submission((), number=1, created_at=world.clock.time())
    world.ends_after(60, End.DONE, JobState.SUCCEEDED)
    world.watch()
    assert len(world.scheduler.submitted) == 1


def test_the_process_that_is_first_submits(world: World, tmp_path: Path) -> None:
    records = JobRecords(tmp_path / "other")
    first = records.begin_submission((), number=1, created_at=0)
    assert first is not None
    assert records.begin_submission((), number=1, created_at=0) is None


def test_failed_attempts_are_repeated_up_to_the_limit(world: World) -> None:
    for seconds in (100, 200, 300):
        world.ends_after(seconds, End.FAILED, JobState.FAILED)
    with pytest.raises(JobFailedError, match="failed 3 times: r"):
        world.watch()
    assert len(world.scheduler.submitted) == 3


def test_a_new_run_has_all_of_its_attempts_again(world: World) -> None:
    for seconds in (100, 200, 300):
        world.ends_after(seconds, End.FAILED, JobState.FAILED)
    with pytest.raises(JobFailedError):
        world.watch()
    world.ends_after(100, End.FAILED, JobState.FAILED)
    world.ends_after(200, End.DONE, JobState.SUCCEEDED)
    world.watch()
    assert len(world.scheduler.submitted) == 5


def test_failures_are_counted_from_the_newest_checkpoint(world: World) -> None:
    def fail(number: int) -> None:
        attempt = Attempt(
            token="t", started_at=0, job_id="", checkpoint=f"update-{number}", host="h"
        )
        world.records.write_attempts([attempt])
        world.ends(End.FAILED, JobState.FAILED)

    for number in range(1, 7):
        world.clock.after(100 * number, lambda number=number: fail(number))
    world.ends_after(700, End.DONE, JobState.SUCCEEDED)
    world.watch()
    assert len(world.scheduler.submitted) == 7


@pytest.mark.parametrize("state", [JobState.INTERRUPTED, JobState.FAILED])
def test_a_job_that_was_asked_to_stop_goes_on(world: World, state: JobState) -> None:
    for number in range(1, 8):
        world.ends_after(100 * number, End.STOPPED, state)
    world.ends_after(900, End.DONE, JobState.SUCCEEDED)
    world.watch()
    assert len(world.scheduler.submitted) == 8


def test_out_of_memory_is_not_repeated(world: World) -> None:
    world.clock.after(60, lambda: world.scheduler.becomes(JobState.OUT_OF_MEMORY, "OUT_OF_MEMORY"))
    with pytest.raises(JobFailedError, match="it ran out of memory"):
        world.watch()
    assert len(world.scheduler.submitted) == 1


def test_an_error_that_would_come_again_is_not_repeated(world: World) -> None:
    world.ends_after(100, End.CANNOT_GO_ON, JobState.FAILED)
    with pytest.raises(JobFailedError):
        world.watch()
    assert len(world.scheduler.submitted) == 1


def test_a_cancelled_job_is_an_error_and_the_next_run_submits_it_again(world: World) -> None:
    world.clock.after(60, lambda: world.scheduler.becomes(JobState.CANCELLED, "CANCELLED by 0"))
    with pytest.raises(
        ClusterError, match=r"was cancelled \(CANCELLED by 0\); run the same command"
    ):
        world.watch()
    assert len(world.scheduler.submitted) == 1
    world.ends_after(60, End.DONE, JobState.SUCCEEDED)
    world.watch()
    assert len(world.scheduler.submitted) == 2


def _cancelled_in_an_outage(world: World, *, lasts: float, then: Callable[[], None]) -> None:
    """Somebody cancels the job while the scheduler answers nobody."""

    def begin() -> None:
        world.scheduler.is_down = True

    def cancel() -> None:
        with pytest.raises(UnreachableClusterError):
            Jobs(world.scheduler, world.clock).cancel(world.job.name, world.records)

    def end() -> None:
        world.scheduler.is_down = False
        then()

    world.clock.after(60, begin)
    world.clock.after(100, cancel)
    world.clock.after(lasts, end)


@pytest.mark.parametrize("end", [None, End.STOPPED, End.FAILED])
def test_a_cancelled_job_that_was_forgotten_meanwhile_is_not_submitted_again(
    world: World, end: End | None
) -> None:
    if end is not None:
        world.clock.after(
            200, lambda: world.records.write_outcome(Outcome(end=end, job_id="4711"), again=False)
        )
    _cancelled_in_an_outage(world, lasts=7200, then=world.scheduler.forgets)
    with pytest.raises(ClusterError, match="it was cancelled on request; run the same command"):
        world.watch()
    assert len(world.scheduler.submitted) == 1
    assert world.scheduler.cancelled == []
    world.ends_after(100, End.DONE, JobState.SUCCEEDED)
    world.watch()
    assert len(world.scheduler.submitted) == 2


def test_a_job_that_lives_after_the_outage_is_cancelled_then(world: World) -> None:
    _cancelled_in_an_outage(world, lasts=7200, then=lambda: None)
    with pytest.raises(ClusterError, match="it was cancelled on request"):
        world.watch()
    assert world.scheduler.cancelled == [False]
    assert len(world.scheduler.submitted) == 1


def test_a_job_that_was_cancelled_before_its_submission_is_not_submitted(world: World) -> None:
    world.scheduler.is_down = True
    world.job.directory.mkdir(parents=True)
    _cancelled_in_an_outage(world, lasts=600, then=lambda: None)
    with pytest.raises(ClusterError, match="it was cancelled on request"):
        world.watch()
    assert world.scheduler.submitted == []


def test_a_job_that_was_done_before_it_was_cancelled_is_done(world: World) -> None:
    world.clock.after(
        90, lambda: world.records.write_outcome(Outcome(end=End.DONE, job_id="4711"), again=False)
    )
    _cancelled_in_an_outage(world, lasts=130, then=world.scheduler.forgets)
    assert world.watch().end == End.DONE


def test_an_outage_of_hours_is_waited_for(world: World) -> None:
    def outage(is_down: bool) -> None:
        world.scheduler.is_down = is_down

    world.clock.after(60, lambda: outage(True))
    world.clock.after(4 * 3600, lambda: outage(False))
    world.clock.after(5 * 3600, lambda: world.ends(End.DONE, JobState.SUCCEEDED))
    world.watch()
    assert len(world.scheduler.submitted) == 1
    waiting = [line for line in world.lines if "no answer from the scheduler" in line]
    assert 15 < len(waiting) < 30
    assert any("answers again, after 4 h" in line for line in world.lines)


def test_a_job_that_is_done_during_an_outage_is_not_waited_for(world: World) -> None:
    def end() -> None:
        world.ends(End.DONE, JobState.SUCCEEDED)
        world.scheduler.is_down = True

    world.clock.after(60, end)
    world.watch()
    assert world.clock.now < 2000


def test_an_outage_at_the_start_is_waited_for(world: World) -> None:
    world.scheduler.is_down = True

    def recover() -> None:
        world.scheduler.is_down = False

    world.clock.after(3600, recover)
    world.clock.after(4000, lambda: world.ends(End.DONE, JobState.SUCCEEDED))
    world.watch()
    assert len(world.scheduler.submitted) == 1


def test_a_forgotten_job_without_a_result_is_repeated(world: World) -> None:
    world.clock.after(60, world.scheduler.forgets)
    world.ends_after(200, End.DONE, JobState.SUCCEEDED)
    world.watch()
    assert len(world.scheduler.submitted) == 2
    assert any("does not know it any longer" in line for line in world.lines)


def test_an_unknown_state_counts_as_living(world: World) -> None:
    world.clock.after(60, lambda: world.scheduler.becomes(JobState.UNKNOWN, "EXPEDITING"))
    world.ends_after(5000, End.DONE, JobState.SUCCEEDED)
    world.watch()
    assert len(world.scheduler.submitted) == 1
    assert "job 4711 EXPEDITING" in world.lines


def test_a_refused_job_is_an_error_and_leaves_no_intent(world: World) -> None:
    world.scheduler.refusal = "invalid partition specified: gpu"
    with pytest.raises(ClusterError, match="invalid partition specified: gpu; ask for less"):
        world.watch()
    assert world.records.newest_submission() is None


def test_cancelling_kills_what_does_not_end(world: World) -> None:
    jobs = Jobs(world.scheduler, world.clock)
    jobs.ensure(world.job)
    world.scheduler.ignores_cancel = True
    jobs.cancel(world.job.name, world.records)
    assert world.scheduler.cancelled == [False, True]
    assert world.clock.now < 1015
    seen = jobs.status(world.job).seen
    assert seen is not None
    assert (seen[-1].job_id, seen[-1].words) == ("4711", "CANCELLED")
