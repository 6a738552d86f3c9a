"""Pretraining in another thread, while the test does something to its job."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from tests.waiting import wait_until
from xlm.config.training.pretrain import PretrainSlice
from xlm.engine.stage import StageContext, StageResult
from xlm.processes.group import ProgramGroup
from xlm.processes.lasting import cancel_jobs
from xlm.stages.model.pretrain import PRETRAIN

Context = StageContext[PretrainSlice]


@contextmanager
def running(context: Context, group: ProgramGroup | None = None) -> Iterator["Future[StageResult]"]:
    """The stage in another thread, past its first checkpoint."""

    def run() -> StageResult:
        with (group or ProgramGroup()).collecting():
            return PRETRAIN.run(context)

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(run)
        try:
            wait_until(
                lambda: future.done() or any(context.scratch.glob("checkpoints/update-*")),
                "no checkpoint came",
            )
            yield future
        finally:
            if not future.done():
                cancel_jobs()


def files_of(context: Context) -> dict[str, bytes]:
    """The files of the artifact without its logs."""
    return {
        path.name: path.read_bytes() for path in sorted(context.out.iterdir()) if path.is_file()
    }
