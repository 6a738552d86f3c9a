"""The process that waits is killed with SIGKILL and started again: there is exactly one job."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cluster.slurm.dev_cluster import DevCluster
from tests.cluster.slurm.watcher import prepare
from tests.repository import REPOSITORY
from tests.waiting import wait_until
from xlm.cluster.records import End, JobRecords

pytestmark = [pytest.mark.fault, pytest.mark.timeout(1800)]


def _start(folder: Path, cluster: DevCluster) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "tests.cluster.slurm.watcher", str(folder)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )


def _jobs_of(cluster: DevCluster, records: JobRecords) -> list[str]:
    """The ids of all jobs of this name."""
    name = f"xlm-short-{records.directory.parents[1].name * 12}-{records.token()[:6]}"
    lines = cluster.command("squeue", "-h", "--states=all", "-o", "%i %j").splitlines()
    return [line.split()[0] for line in lines if line.split()[1] == name]


def _kill_and_start_again(folder: Path, cluster: DevCluster, when: str | float) -> None:
    records = JobRecords(prepare(folder) / "cluster")
    watcher = _start(folder, cluster)
    if isinstance(when, float):
        wait_until(records.directory.exists, "the watcher did not start")
        time.sleep(when)
    else:
        wait_until(lambda: bool(list(records.directory.glob(when))), f"no {when}")
    watcher.kill()
    watcher.wait()
    assert _start(folder, cluster).wait(200) == 0
    assert len(_jobs_of(cluster, records)) == 1
    (attempt,) = records.attempts()
    assert attempt.end == End.DONE
    assert (folder / "scratch" / "runs").read_text() == "x"


@pytest.mark.parametrize(
    "when", ["submission-1.json", "job.sbatch", "submission-1.id", "outcome.json"]
)
def test_a_killed_watcher_finds_its_job(cluster: DevCluster, tmp_path: Path, when: str) -> None:
    """Killed after the intent, in the submission, after it, and when nobody waits any longer."""
    _kill_and_start_again(tmp_path / "a", cluster, when)


def test_twenty_killed_watchers_leave_twenty_jobs(cluster: DevCluster, tmp_path: Path) -> None:
    """Four at a time, because each mostly waits for Slurm."""

    def kill(number: int) -> None:
        _kill_and_start_again(tmp_path / "bcdefghijklmnopqrstu"[number], cluster, 0.1 * number)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(kill, range(20)))


def test_two_watchers_share_a_job(cluster: DevCluster, tmp_path: Path) -> None:
    """Two machines whose locks do not see each other."""
    folder = tmp_path / "v"
    records = JobRecords(prepare(folder) / "cluster")
    watchers = [_start(folder, cluster) for _ in range(2)]
    assert [watcher.wait(200) for watcher in watchers] == [0, 0]
    assert len(_jobs_of(cluster, records)) == 1
    assert (folder / "scratch" / "runs").read_text() == "x"
