"""Waits for a job of one short process, as a run of the pipeline does: `watcher.py FOLDER`."""

import sys
from pathlib import Path

from tests.repository import REPOSITORY
from xlm.cluster.slurm.scheduler import SlurmScheduler
from xlm.config.launcher.launcher import LauncherConfig
from xlm.training.launch.cluster import ClusterLauncher, JobTraits
from xlm.training.launch.launcher import Launch

WORKER = """
import pathlib, sys, time
with pathlib.Path(sys.argv[1]).with_name("runs").open("a") as runs:
    runs.write("x")
time.sleep(2)
"""


def prepare(folder: Path) -> Path:
    """Write the job of the watcher into a folder; returns its scratch directory."""
    scratch = folder / "scratch"
    scratch.mkdir(parents=True)
    (folder / "short_worker.py").write_text(WORKER, encoding="utf-8")
    (scratch / "job.json").write_text("{}", encoding="utf-8")
    return scratch


def main(folder: Path) -> None:
    """Submit or find the job, and wait for it."""
    settings = LauncherConfig.model_validate(
        {
            "kind": "slurm",
            "poll_seconds": 0.5,
            "environment": {"PYTHONPATH": f"{REPOSITORY}:{folder}"},
        }
    )
    traits = JobTraits(
        stage="short", key=folder.name * 12, uses_gpu=False, checkpoints=(), folders=(folder,)
    )
    launcher = ClusterLauncher(SlurmScheduler(settings.slurm), settings, traits, print)
    launcher.run(
        Launch(
            module="short_worker",
            job=folder / "scratch" / "job.json",
            processes=1,
            threads_per_process=1,
            log_path=folder / "logs" / "processes.log",
            save_seconds=5,
        ),
        lambda: None,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
