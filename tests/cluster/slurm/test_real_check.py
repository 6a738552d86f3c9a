"""`xlm launch check` on a real Slurm, with its trial job, and interrupted in the middle of it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.slurm.dev_cluster import DevCluster, processes_with
from tests.waiting import wait_until

pytestmark = [pytest.mark.timeout(900)]


def _command(root: Path, *words: str) -> list[str]:
    program = "from flows.commands.main import main; main()"
    choice = ["--root", str(root), "--launcher", "slurm", "--submit"]
    return [sys.executable, "-c", program, "launch", "check", *choice, *words]


def test_a_real_node_reports_and_nothing_is_left(cluster: DevCluster, tmp_path: Path) -> None:
    root = tmp_path / "store, für alle's"
    done = subprocess.run(
        _command(root, "--json", "--set", "launcher.slurm.nodes=2"),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    checks = {one["name"]: one for one in json.loads(done.stdout)["checks"]}
    for name in ("controller", "partition", "account", "submission", "trial job",
                 "store on the node", "versions on the node"):  # fmt: skip
        assert checks[name]["verdict"] == "ok", checks[name]
    assert "RUNNING" in done.stderr
    assert "Traceback" not in done.stderr
    assert cluster.live_jobs() == []
    assert list(tmp_path.iterdir()) == []


def test_what_slurm_would_refuse(cluster: DevCluster, tmp_path: Path) -> None:
    done = subprocess.run(
        _command(tmp_path, "--json", "--set", "launcher.slurm.memory=900G"),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 1
    checks = {one["name"]: one for one in json.loads(done.stdout)["checks"]}
    assert checks["submission"]["verdict"] == "failed"
    assert checks["submission"]["found"].startswith("Slurm would refuse the job: ")
    assert checks["trial job"]["found"] == "not submitted"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_trial_leaves_nothing(
    cluster: DevCluster, tmp_path: Path, number: int
) -> None:
    # A background process of a shell ignores SIGINT, and so would its children.
    command = ["env", "--default-signal=INT", *_command(tmp_path / "store")]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: bool(cluster.live_jobs()), "no job came")
    os.kill(running.pid, number)
    _, errors = running.communicate(timeout=300)
    assert running.returncode == 130, errors
    assert "interrupted; the job was cancelled and its files were removed" in errors
    assert "Traceback" not in errors
    assert cluster.live_jobs() == []
    assert list(tmp_path.iterdir()) == []
    wait_until(lambda: not processes_with(str(tmp_path)), "processes are left", seconds=20)
