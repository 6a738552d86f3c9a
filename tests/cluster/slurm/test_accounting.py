"""A real Slurm with an accounting database: jobs that the controller has forgotten."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.cluster.fakes import make_job
from tests.cluster.slurm.dev_cluster import dev_cluster, reason_to_skip
from tests.cluster.slurm.watcher import prepare
from tests.waiting import wait_until
from xlm.cluster.job import JobState
from xlm.cluster.records import JobRecords
from xlm.cluster.slurm.scheduler import SlurmScheduler
from xlm.config.launcher.slurm import SlurmConfig


def _reason_to_skip() -> str:
    missing = [name for name in ("slurmdbd", "mariadbd") if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} not installed (apt-get install slurmdbd mariadb-server)"
    return reason_to_skip()


@pytest.mark.slurm
@pytest.mark.slow
@pytest.mark.skipif(bool(_reason_to_skip()), reason=f"no accounting: {_reason_to_skip()}")
def test_the_database_knows_forgotten_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "a"
    job = make_job(
        folder, name="xlm-short-0123456789ab-abcdef", module="short_worker",
        job_file=prepare(folder) / "job.json", environment={"PYTHONPATH": str(folder)},
    )  # fmt: skip
    JobRecords(job.directory).write_job(job)
    scheduler = SlurmScheduler(SlurmConfig())
    variables = {"SLURM_DEV_ACCOUNTING": "1", "SLURM_DEV_MIN_JOB_AGE": "2"}
    # The database has its own user, who cannot enter the folders of pytest.
    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as directory,
        dev_cluster(Path(directory), **variables) as cluster,
    ):
        monkeypatch.setenv("SLURM_CONF", str(cluster.configuration))
        first = scheduler.submit(job)
        wait_until(lambda: not cluster.live_jobs(), "the job did not end")
        second = scheduler.submit(job)
        wait_until(lambda: bool(cluster.live_jobs()), "no second job")
        scheduler.cancel(job.name)
        wait_until(lambda: not cluster.jobs(), "the controller does not forget", seconds=200)
        done, cancelled = scheduler.find(job.name)
    assert (done.job_id, done.state, done.exit_code) == (first, JobState.SUCCEEDED, 0)
    assert (cancelled.job_id, cancelled.state) == (second, JobState.CANCELLED)
    assert cancelled.words.startswith("CANCELLED by")
