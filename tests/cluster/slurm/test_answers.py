"""What Slurm's commands may print, and what we make of it."""

import os
from pathlib import Path

import pytest

from tests.cluster.fakes import make_job
from tests.cluster.slurm.fake_command import COMMANDS, FakeSlurm
from xlm.cluster.job import JobState
from xlm.cluster.records import JobRecords
from xlm.cluster.slurm.commands import own_user
from xlm.cluster.slurm.scheduler import SlurmScheduler
from xlm.config.launcher.slurm import SlurmConfig
from xlm.errors import ClusterError, UnreachableClusterError
from xlm.processes.group import ProgramGroup

NAME = "xlm-pretrain-0123456789ab-abcdef"
_OUTAGE = {"status": 1, "errors": "slurm_load_jobs error: Unable to contact slurm controller"}


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    fake = FakeSlurm(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return fake


@pytest.fixture
def scheduler() -> SlurmScheduler:
    return SlurmScheduler(SlurmConfig(command_seconds=20))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("PENDING", JobState.PENDING),
        ("CONFIGURING", JobState.PENDING),
        ("REQUEUED", JobState.PENDING),
        ("REQUEUE_FED", JobState.PENDING),
        ("REQUEUE_HOLD", JobState.PENDING),
        ("RESV_DEL_HOLD", JobState.PENDING),
        ("SPECIAL_EXIT", JobState.PENDING),
        ("RUNNING", JobState.RUNNING),
        ("COMPLETING", JobState.RUNNING),
        ("SUSPENDED", JobState.RUNNING),
        ("COMPLETED", JobState.SUCCEEDED),
        ("FAILED", JobState.FAILED),
        ("DEADLINE", JobState.FAILED),
        ("OUT_OF_MEMORY", JobState.OUT_OF_MEMORY),
        ("CANCELLED", JobState.CANCELLED),
        ("TIMEOUT", JobState.INTERRUPTED),
        ("PREEMPTED", JobState.INTERRUPTED),
        ("NODE_FAIL", JobState.INTERRUPTED),
        ("BOOT_FAIL", JobState.INTERRUPTED),
        ("REVOKED", JobState.INTERRUPTED),
        ("SOMETHING_NEW", JobState.UNKNOWN),
    ],
)
def test_states_of_squeue(
    slurm: FakeSlurm, scheduler: SlurmScheduler, state: str, expected: JobState
) -> None:
    slurm.answers("squeue", {"output": f"4711|{state}|1795942939|n[1-2]|None\n"})
    (seen,) = scheduler.find(NAME)
    assert (seen.job_id, seen.state, seen.nodes) == ("4711", expected, "n[1-2]")
    assert (seen.words, seen.started_at) == (state, 1795942939)
    (asked,) = slurm.asked("squeue")
    assert f"--name={NAME}" in asked["arguments"]
    assert not any("4711" in word for word in asked["arguments"])


def test_a_job_that_another_cluster_runs_lives(slurm: FakeSlurm, scheduler: SlurmScheduler) -> None:
    """In a federation it has one id, and is revoked on the other clusters."""
    lines = ["4711|RUNNING|1|n1|None", "4711|REVOKED|N/A||None"]
    for order in (lines, lines[::-1]):
        slurm.answers("squeue", {"output": "\n".join(order)})
        assert [job.state for job in scheduler.find(NAME)] == [JobState.RUNNING]


def test_a_job_that_left_with_75_was_interrupted(
    slurm: FakeSlurm, scheduler: SlurmScheduler
) -> None:
    slurm.answers("squeue", {"output": "4711|FAILED|N/A|n1|NonZeroExitCode\n"})
    slurm.answers("scontrol", {"output": "JobId=4711 Restarts=3 JobState=FAILED ExitCode=75:0"})
    (seen,) = scheduler.find(NAME)
    assert (seen.state, seen.exit_code, seen.restarts) == (JobState.INTERRUPTED, 75, 3)
    assert (seen.words, seen.started_at) == ("FAILED (NonZeroExitCode)", None)


def test_the_jobs_of_a_name_come_in_their_order(
    slurm: FakeSlurm, scheduler: SlurmScheduler
) -> None:
    slurm.answers("squeue", {"output": "10|PENDING|N/A||Dependency\n9|RUNNING|1|n1|None\n"})
    first, second = scheduler.find(NAME)
    assert (first.job_id, second.job_id, second.words) == ("9", "10", "PENDING (Dependency)")


def test_a_reason_may_contain_the_separator(slurm: FakeSlurm, scheduler: SlurmScheduler) -> None:
    slurm.answers("squeue", {"output": "9|PENDING|N/A||a|b c\n"})
    assert scheduler.find(NAME)[0].words == "PENDING (a|b c)"


def test_a_forgotten_job_is_an_empty_list(slurm: FakeSlurm, scheduler: SlurmScheduler) -> None:
    assert scheduler.find(NAME) == []


@pytest.mark.parametrize(
    "answer",
    [
        _OUTAGE,
        {"status": 1, "errors": "slurm_load_jobs error: Socket timed out on send/recv operation"},
        {"status": 1, "errors": "anything else"},
        {"status": 139},
        {"output": "Slurm is down for maintenance until noon\n"},
        {"output": "4711|RUNNING\n"},
        {"output": "x|RUNNING|1|n1|None\n"},
        {"output": "4711|running?|1|n1|None\n"},
        {"output": "\xff\xfe\x00|\n"},
    ],
)
def test_an_outage_is_never_an_empty_list(
    slurm: FakeSlurm, scheduler: SlurmScheduler, answer: dict[str, object]
) -> None:
    slurm.answers("squeue", answer)
    with pytest.raises(UnreachableClusterError, match="squeue"):
        scheduler.find(NAME)


def test_a_version_that_does_not_know_our_options_is_not_waited_for(
    slurm: FakeSlurm, scheduler: SlurmScheduler
) -> None:
    slurm.answers("squeue", {"status": 1, "errors": "squeue: unrecognized option '--name'"})
    with pytest.raises(ClusterError, match="squeue is of another version") as caught:
        scheduler.find(NAME)
    assert not isinstance(caught.value, UnreachableClusterError)


def test_a_command_that_hangs_is_an_outage(slurm: FakeSlurm) -> None:
    slurm.answers("squeue", {"seconds": 60})
    scheduler = SlurmScheduler(SlurmConfig(command_seconds=1))
    with pytest.raises(UnreachableClusterError, match="squeue did not answer within 1 s"):
        scheduler.find(NAME)


def test_accounting_adds_ended_jobs_that_the_controller_has_forgotten(
    slurm: FakeSlurm, scheduler: SlurmScheduler
) -> None:
    lines = (
        "7|OUT_OF_MEMORY|0:125|1795942000|n1\n"
        "8|CANCELLED by 1000|0:0|1795942100|None assigned\n"
        "garbage\n"
        # The controller does not know it, so it does not live, whatever the database says.
        "9|RUNNING|0:0|1795942200|n1\n"
        "11|FAILED|75:0|1795942300|n2\n"
    )
    slurm.answers("sacct", {"output": lines})
    slurm.answers("squeue", {"output": "12|COMPLETED|1795942400|n1|None\n"})
    found = {job.job_id: (job.state, job.words, job.nodes) for job in scheduler.find(NAME)}
    assert found == {
        "7": (JobState.OUT_OF_MEMORY, "OUT_OF_MEMORY", "n1"),
        "8": (JobState.CANCELLED, "CANCELLED by 1000", ""),
        "11": (JobState.INTERRUPTED, "FAILED", "n2"),
        "12": (JobState.SUCCEEDED, "COMPLETED", "n1"),
    }


def test_accounting_is_not_asked_about_a_job_that_lives(
    slurm: FakeSlurm, scheduler: SlurmScheduler
) -> None:
    slurm.answers("squeue", {"output": "12|RUNNING|1795942400|n1|None\n"})
    assert len(scheduler.find(NAME)) == 1
    assert slurm.asked("sacct") == []


@pytest.mark.parametrize("answer", [{"status": 1, "errors": "x"}, {"output": "\xff garbage"}])
def test_accounting_may_fail(
    slurm: FakeSlurm, scheduler: SlurmScheduler, answer: dict[str, object]
) -> None:
    slurm.answers("sacct", answer)
    slurm.answers("squeue", {"output": "12|COMPLETED|1795942400|n1|None\n"})
    assert len(scheduler.find(NAME)) == 1


def _submit(scheduler: SlurmScheduler, directory: Path) -> str:
    job = make_job(directory)
    JobRecords(job.directory).write_job(job)
    return scheduler.submit(job)


@pytest.mark.parametrize("output", ["4711\n", "4711;cluster\n", "sbatch: note\n4711\n"])
def test_the_id_of_a_submission(
    slurm: FakeSlurm, scheduler: SlurmScheduler, tmp_path: Path, output: str
) -> None:
    slurm.answers("sbatch", {"output": output, "errors": "sbatch: warning: hello"})
    assert _submit(scheduler, tmp_path / "a b's") == "4711"
    (asked,) = slurm.asked("sbatch")
    folder = tmp_path / "a b's" / "scratch" / "cluster"
    assert asked["arguments"] == ["--parsable", f"--chdir={folder}", f"{folder}/job.sbatch"]


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 1, "errors": "sbatch: error: Batch job submission failed: Unable to contact "
                                "slurm controller (connect failure)"},
        {"status": 1, "errors": "sbatch: error: Batch job submission failed: Socket timed out on "
                                "send/recv operation"},
        {"status": 1, "errors": "sbatch: error: Slurm temporarily unable to accept job"},
        {"output": ""},
        {"output": "Submitted?\n"},
    ],
)  # fmt: skip
def test_a_lost_answer_says_that_the_job_may_exist(
    slurm: FakeSlurm, scheduler: SlurmScheduler, tmp_path: Path, answer: dict[str, object]
) -> None:
    slurm.answers("sbatch", answer)
    with pytest.raises(UnreachableClusterError, match="sbatch"):
        _submit(scheduler, tmp_path)


@pytest.mark.parametrize(
    "words",
    [
        "invalid partition specified: gpu",
        "Batch job submission failed: Invalid account or account/partition combination specified",
        "Batch job submission failed: Requested node configuration is not available",
    ],
)
def test_a_refusal_says_why(
    slurm: FakeSlurm, scheduler: SlurmScheduler, tmp_path: Path, words: str
) -> None:
    slurm.answers("sbatch", {"status": 1, "errors": f"sbatch: error: {words}"})
    with pytest.raises(ClusterError, match=f"Slurm refused job .*{words}; correct") as caught:
        _submit(scheduler, tmp_path)
    assert not isinstance(caught.value, UnreachableClusterError)


def test_without_slurm_the_fix_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only_env = tmp_path / "bin"
    only_env.mkdir()
    (only_env / "env").symlink_to("/usr/bin/env")
    monkeypatch.setenv("PATH", str(only_env))
    with pytest.raises(ClusterError, match=r"squeue is not installed.*login node"):
        SlurmScheduler(SlurmConfig()).find(NAME)


def test_cancelling_is_by_name_and_killing_signals_first(
    slurm: FakeSlurm, scheduler: SlurmScheduler
) -> None:
    scheduler.cancel(NAME)
    scheduler.cancel(NAME, kill=True)
    asked = [one["arguments"] for one in slurm.asked("scancel")]
    plain = [own_user(), f"--name={NAME}"]
    assert asked == [plain, [*plain, "--full", "--signal=KILL"], plain]
    slurm.answers("scancel", _OUTAGE)
    with pytest.raises(UnreachableClusterError, match="scancel failed"):
        scheduler.cancel(NAME)


def test_a_run_that_is_being_interrupted_can_cancel_its_job(
    slurm: FakeSlurm, scheduler: SlurmScheduler
) -> None:
    """Programs of an interrupted run are ended at their start."""
    group = ProgramGroup()
    group.end()
    with group.collecting():
        scheduler.cancel(NAME)
        assert scheduler.find(NAME) == []
    assert len(slurm.asked("scancel")) == 1


def test_commands_get_no_secret(
    slurm: FakeSlurm, scheduler: SlurmScheduler, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """sbatch keeps its environment with the job."""
    canary = "canary-7f3a"
    secrets = {
        "HF_TOKEN": canary,
        "AWS_SECRET_ACCESS_KEY": canary,
        "PREFECT_API_AUTH_STRING": f"admin:{canary}",
        "DATABASE_URL": f"postgresql://user:{canary}@host/db",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    slurm.answers("sbatch", {"output": "1\n"})
    _submit(scheduler, tmp_path)
    scheduler.find(NAME)
    for command in COMMANDS:
        for asked in slurm.asked(command):
            assert canary not in str(asked)
            assert "PATH" in asked["environment"]
    for path in (tmp_path / "scratch" / "cluster").iterdir():
        assert canary not in path.read_text(encoding="utf-8")


def test_a_job_does_not_inherit_the_limits_of_the_job_that_submits_it(
    slurm: FakeSlurm, scheduler: SlurmScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = {"SLURM_CONF": "/etc/s.conf", "SLURM_CLUSTERS": "a", "SLURM_JWT": "eyJh.eyJl.x"}
    foreign = {"SLURM_JOB_ID": "7", "SLURM_MEM_PER_NODE": "1024", "SLURM_CONF_NAME": "x"}
    for name, value in {**ours, **foreign}.items():
        monkeypatch.setenv(name, value)
    scheduler.find(NAME)
    (asked,) = slurm.asked("squeue")
    kept = {name for name in asked["environment"] if name.startswith("SLURM_")}
    assert kept == {*ours, "SLURM_TIME_FORMAT"}
