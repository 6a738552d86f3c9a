"""Training processes that tests kill; they are forked, and so need not import torch."""

import multiprocessing
from multiprocessing.process import BaseProcess
from typing import Final

from xlm.training.launch.entry import main
from xlm.training.launch.job import PretrainJob, write_job

_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["xlm.training.launch.entry", "xlm.training.trainer"])


def start_process(job: PretrainJob) -> BaseProcess:
    """Start a process that does the job, or continues it from its newest checkpoint."""
    path = job.scratch / "job.json"
    write_job(path, job)
    process = _FORKS.Process(target=main, args=([str(path)],))
    process.start()
    return process
