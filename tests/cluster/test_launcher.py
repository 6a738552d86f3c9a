"""From a `Launch` to a job, and from the end of the job to our errors."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.fakes import FakeScheduler
from xlm.cluster import watch
from xlm.cluster.hold import abandon_job, require_same_cluster
from xlm.cluster.job import ClusterJob, JobState
from xlm.cluster.records import End, JobRecords, NodeEnd, Outcome
from xlm.cluster.schedulers import spread
from xlm.config.launcher.launcher import LauncherConfig
from xlm.errors import ClusterError, PipelineError, ToolError, TrainingError, XlmError
from xlm.processes import lasting
from xlm.processes.group import ProgramGroup
from xlm.store.artifact import Staging
from xlm.training.launch.cluster import ClusterLauncher, JobTraits, launcher_of
from xlm.training.launch.launcher import Launch, Measured


class Setting:
    """A launcher with a fake scheduler, in a staging folder."""

    def __init__(
        self, base: Path, scheduler: FakeScheduler | None = None, **settings: object
    ) -> None:
        self.scheduler = scheduler or FakeScheduler()
        self.staging = Staging(base)
        self.staging.scratch.mkdir(parents=True, exist_ok=True)
        self.lines: list[str] = []
        config = {"kind": "slurm", "poll_seconds": 0.05, "max_attempts": 1, **settings}
        self.settings = LauncherConfig.model_validate(config)
        traits = JobTraits(
            stage="pretrain", key="k" * 24, uses_gpu=False, checkpoints=(), folders=(base,)
        )
        self.launcher = ClusterLauncher(self.scheduler, self.settings, traits, self.lines.append)
        self.records = JobRecords(self.staging.scratch / "cluster")

    @classmethod
    def like(cls, other: "Setting", **settings: object) -> "Setting":
        """The same folder and scheduler with other settings."""
        return cls(other.staging.base, other.scheduler, **settings)

    def leaves_its_job(self) -> None:
        """Run until the job is known, and leave it."""
        group = ProgramGroup()

        def leave_when_known() -> None:
            if any(line.startswith("job ") for line in self.lines):
                group.end()

        with group.collecting(), pytest.raises(PipelineError, match="goes on"):
            self.launcher.run(self.launch(), leave_when_known)

    def launch(self, **changes: Any) -> Launch:
        values: dict[str, Any] = {
            "module": "xlm.training.launch.entry",
            "job": self.staging.scratch / "job.json",
            "processes": 4,
            "threads_per_process": 2,
            "log_path": self.staging.logs / "processes.log",
        }
        return Launch(**{**values, **changes})

    def run(self, **changes: Any) -> Measured:
        return self.launcher.run(self.launch(**changes), lambda: None)

    def when_submitted(self, happens: Callable[[], None]) -> threading.Thread:
        def wait() -> None:
            while not self.scheduler.submitted:
                time.sleep(0.01)
            time.sleep(0.1)
            happens()

        thread = threading.Thread(target=wait)
        thread.start()
        return thread

    def ends(self, end: End, state: JobState, reason: str = "") -> None:
        job_id = self.scheduler.jobs[-1].job_id
        measured = {"host": "n1"}
        outcome = Outcome(end=end, reason=reason, job_id=job_id, measured=measured)
        self.records.write_outcome(outcome, again=False)
        self.scheduler.becomes(state)


@pytest.fixture(autouse=True)
def _without_waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(watch, "SETTLE_SECONDS", 0.2)
    yield
    lasting.leave_after(0)


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path / "staging" / "pretrain" / "key", slurm={"nodes": 2})


def test_a_launch_becomes_a_job(setting: Setting) -> None:
    def end() -> None:
        for node, seconds in enumerate((1.5, 2.5)):
            used = NodeEnd(exit_code=0, cpu_seconds=seconds, peak_memory_bytes=7 + node)
            setting.records.write_node(node, used)
        setting.ends(End.DONE, JobState.SUCCEEDED)

    setting.when_submitted(end)
    measured = setting.run(environment={"MPLCONFIGDIR": "/x"}, save_seconds=77)
    assert measured == {"host": "n1", "cpu_seconds": 4.0, "peak_memory_bytes": 8, "job": "4711"}
    (job,) = setting.scheduler.submitted
    assert job.name.startswith("xlm-pretrain-kkkkkkkkkkkk-")
    assert (job.nodes, job.processes_per_node, job.save_seconds) == (2, 2, 77)
    assert job.environment["MPLCONFIGDIR"] == "/x"
    assert job.environment["OMP_NUM_THREADS"] == "2"
    # Only a run on one machine talks over its loopback interface.
    assert "GLOO_SOCKET_IFNAME" not in job.environment
    assert ClusterJob.read(job.record) == job
    assert not setting.staging.hold.exists()


@pytest.mark.parametrize(
    ("end", "state", "report", "error", "message"),
    [
        (End.CANNOT_GO_ON, JobState.FAILED,
         {"kind": "TrainingError", "what": "the loss is not finite", "fix": "lower it"},
         TrainingError, "the loss is not finite; lower it"),
        (End.CANNOT_GO_ON, JobState.FAILED, None, TrainingError, "job xlm-.*: why"),
        (End.FAILED, JobState.FAILED, None, ToolError, "failed 1 times at the same.*: why"),
        (None, JobState.OUT_OF_MEMORY, None, ClusterError, "ran out of memory.*more memory"),
        (None, JobState.CANCELLED, None, ClusterError, "was cancelled"),
        (None, JobState.FAILED, None, ClusterError, r"a result.*its output in \S*cluster; "),
    ],
)  # fmt: skip
def test_the_end_of_a_job_is_an_error_of_ours(
    setting: Setting,
    end: End | None,
    state: JobState,
    report: dict[str, str] | None,
    error: type[XlmError],
    message: str,
) -> None:
    def happens() -> None:
        if report is not None:
            path = setting.staging.scratch / "job.failure-0.json"
            path.write_text(json.dumps(report), encoding="utf-8")
        if end is not None:
            setting.ends(end, state, "why")
        else:
            setting.scheduler.becomes(state)

    setting.when_submitted(happens)
    with pytest.raises(error, match=message):
        setting.run()
    assert not setting.staging.hold.exists()


def test_a_run_that_is_ending_submits_nothing(setting: Setting) -> None:
    """Cancelled or interrupted just before: the job would go on, and nobody has seen its name."""
    group = ProgramGroup()
    group.end()
    with group.collecting(), pytest.raises(PipelineError, match="interrupted; run the same"):
        setting.run()
    assert setting.scheduler.submitted == []
    assert not setting.staging.hold.exists()


def test_a_run_that_ends_leaves_its_job(setting: Setting) -> None:
    """Plain exit, SIGTERM and SIGHUP: nobody wants the job to end."""
    group = ProgramGroup()
    setting.when_submitted(group.end)
    with group.collecting(), pytest.raises(PipelineError, match=r"job xlm-pretrain.* goes on"):
        setting.run()
    assert setting.scheduler.cancelled == []
    assert setting.scheduler.jobs[-1].state.is_live
    assert setting.staging.hold.exists()
    setting.when_submitted(lambda: setting.ends(End.DONE, JobState.SUCCEEDED))
    setting.run()
    assert len(setting.scheduler.submitted) == 1


def test_a_job_that_was_submitted_before_keeps_its_settings_and_a_run_says_so(
    setting: Setting,
) -> None:
    """It stayed PENDING with the old `memory`, and nothing explained why."""
    setting.leaves_its_job()
    for _ in range(2):
        again = Setting.like(setting, slurm={"nodes": 2, "memory": "8G"})
        again.leaves_its_job()
        (line,) = [line for line in again.lines if "submitted before" in line]
        assert line == (
            "the job was submitted before, with launcher.slurm.memory=null; to change that, "
            "cancel it first: xlm cancel kkkkkkkkkkkk"
        )
    assert len(setting.scheduler.submitted) == 1
    setting.leaves_its_job()
    assert not [line for line in setting.lines if "submitted before" in line]


def test_an_answer_to_the_question_cancels_the_job(setting: Setting) -> None:
    group = ProgramGroup()

    def ctrl_c_twice() -> None:
        lasting.leave_after(60)
        group.end()
        time.sleep(0.5)
        assert setting.scheduler.cancelled == []
        lasting.cancel_jobs()

    setting.when_submitted(ctrl_c_twice)
    with group.collecting(), pytest.raises(ClusterError, match="was cancelled on request"):
        setting.run()
    assert setting.scheduler.cancelled == [False]
    assert not setting.staging.hold.exists()


def test_a_job_that_cannot_be_cancelled_is_named(setting: Setting) -> None:
    def happens() -> None:
        setting.scheduler.is_down = True
        lasting.cancel_jobs()

    setting.when_submitted(happens)
    with pytest.raises(ClusterError, match=r"could not be cancelled \(no answer\); it goes on"):
        setting.run()
    assert setting.staging.hold.exists()


def test_a_job_that_takes_too_long_is_cancelled(setting: Setting) -> None:
    setting.when_submitted(lambda: setting.scheduler.becomes(JobState.RUNNING))
    with pytest.raises(ToolError, match=r"did not end within 0\.3 s; raise its timeout"):
        setting.run(timeout_seconds=0.3)
    assert setting.scheduler.cancelled == [False]


def test_training_here_is_refused_while_a_job_may_write(
    setting: Setting, make_context: Callable[..., Any]
) -> None:
    context = make_context("here")
    hold = Staging(context.scratch.parent).hold
    context.scratch.mkdir(parents=True)
    hold.write_text("slurm xlm-pretrain-x\n", encoding="utf-8")
    options: dict[str, Any] = {
        "stage": "pretrain", "uses_gpu": False, "checkpoints": (), "reads": (),
    }  # fmt: skip
    with pytest.raises(ClusterError, match=r"may still write .*--launcher slurm"):
        launcher_of(context, **options)
    with pytest.raises(ClusterError, match="may still write"):
        abandon_job(LauncherConfig(), context.scratch)
    records = JobRecords(context.scratch / "cluster")
    records.write_outcome(Outcome(end=End.STOPPED), again=False)
    with pytest.raises(ClusterError, match="may still write"):
        launcher_of(context, **options)
    records.write_outcome(Outcome(end=End.CANNOT_GO_ON), again=False)
    launcher_of(context, **options)
    assert not hold.exists()


def test_another_launcher_is_refused_while_a_job_may_write(setting: Setting) -> None:
    hold = setting.staging.hold
    hold.write_text("kubernetes xlm-pretrain-x\n", encoding="utf-8")
    with pytest.raises(ClusterError, match=r"may still write .*--launcher kubernetes.*xlm cancel"):
        setting.run()
    with pytest.raises(ClusterError, match=r"may still write .*--launcher kubernetes"):
        abandon_job(setting.settings, setting.staging.scratch)
    assert setting.scheduler.submitted == []
    setting.records.write_outcome(Outcome(end=End.FAILED), again=False)
    with pytest.raises(ClusterError, match="may still write"):  # it may be started again
        setting.run()
    hold.write_bytes(b"\xff\n")
    with pytest.raises(ClusterError, match=r"its name cannot be read; cancel it with .*remove"):
        abandon_job(LauncherConfig(), setting.staging.scratch)


def test_another_context_is_refused_while_a_job_may_write(setting: Setting) -> None:
    before, after = (
        LauncherConfig.model_validate({"kind": "kubernetes", "kubernetes": {"context": name}})
        for name in ("lab", "cloud")
    )
    scratch = setting.staging.scratch
    setting.records.write_launcher(before)
    require_same_cluster(scratch, after)  # no job holds the folder
    setting.staging.hold.write_text("kubernetes xlm-pretrain-a-b\n")
    require_same_cluster(scratch, before)
    for refuses in (
        lambda: require_same_cluster(scratch, after),
        lambda: abandon_job(after, scratch),
    ):
        with pytest.raises(ClusterError, match=r"kubernetes\.context lab, and now that is cloud"):
            refuses()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_settings_that_another_user_wrote_are_not_used(setting: Setting) -> None:
    setting.records.write_launcher(LauncherConfig(kind="slurm"))
    assert setting.records.launcher() == LauncherConfig(kind="slurm")
    path = setting.records.directory / "launcher.json"
    os.chown(path, 4711, -1)
    assert setting.records.launcher() is None


def test_processes_are_spread_evenly() -> None:
    assert [spread(8, nodes) for nodes in (1, 2, 3, 4)] == [1, 2, 2, 4]
    assert [spread(3, 2), spread(1, 4), spread(5, 8)] == [1, 1, 5]
