"""A flow run that is cancelled in the UI cancels its jobs; any other end leaves them."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.toy import ReadSlice
from tests.pipeline.toy import PIPELINE_READ, PROFILE
from xlm.engine.stage import StageContext, StageResult
from xlm.errors import PipelineError
from xlm.pipeline.request import RunRequest
from xlm.processes.lasting import lasting_job


class _SignalError(BaseException):
    """What Prefect raises in the flow when its worker sends SIGTERM."""


@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize(("is_cancelled", "error"), [
    (True, _SignalError), (False, _SignalError), (True, ValueError),
])  # fmt: skip
def test_only_a_cancelled_flow_run_cancels_its_jobs(
    is_cancelled: bool, error: type[BaseException]
) -> None:
    from prefect import flow, runtime
    from prefect.client.orchestration import get_client
    from prefect.states import Cancelling

    from flows.cancelled_jobs import cancels_its_jobs

    seen: list[bool] = []

    @flow
    def waits_for_a_job() -> None:
        with lasting_job("xlm-pretrain-1") as job:
            if is_cancelled:
                with get_client(sync_client=True) as client:
                    client.set_flow_run_state(runtime.flow_run.id, Cancelling(), force=True)
            try:
                with cancels_its_jobs():
                    raise error
            except (error, _SignalError):
                seen.append(job.is_cancelled)

    waits_for_a_job()
    assert seen == [is_cancelled and error is _SignalError]


@pytest.fixture
def _raising_signal() -> Iterator[None]:
    def handle(number: int, frame: object) -> None:
        raise _SignalError

    before = signal.signal(signal.SIGUSR2, handle)
    yield
    signal.signal(signal.SIGUSR2, before)


@pytest.mark.usefixtures("prefect_server", "_raising_signal")
@pytest.mark.parametrize("is_cancelled", [True, False])
def test_the_stages_of_a_cancelled_flow_run_do_not_leave_their_jobs(
    is_cancelled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stage left its job before the server was asked whether the run was cancelled."""
    from prefect import flow, runtime
    from prefect.client.orchestration import get_client
    from prefect.states import Cancelling

    from flows.submission import pipeline

    monkeypatch.setenv("XLM_ROOT", str(tmp_path))
    monkeypatch.setenv("XLM_WORKERS", "1")
    run_id: list[str] = []
    ends: list[str] = []

    def wait_for_a_job(context: StageContext[ReadSlice]) -> StageResult:
        if context.unit != "en":
            return PIPELINE_READ.run(context)
        with lasting_job("xlm-read-1") as job:
            if is_cancelled:
                with get_client(sync_client=True) as client:
                    client.set_flow_run_state(run_id[0], Cancelling(), force=True)  # type: ignore[arg-type]
            os.kill(os.getpid(), signal.SIGUSR2)
            while not job.is_cancelled and not job.is_left:
                time.sleep(0.01)
            end = "cancelled" if job.is_cancelled else "left"
            # The run ends no earlier than its job.
            time.sleep(0.5)
            ends.append(end)
        raise PipelineError("interrupted", fix="run it again")

    @flow(name="toy")
    def waits() -> None:
        run_id.append(runtime.flow_run.id)
        with pipeline(RunRequest(profile=str(PROFILE)), (waiting,)) as build:
            build(waiting.name)

    waiting = replace(PIPELINE_READ, run=wait_for_a_job)
    with pytest.raises(_SignalError):
        waits()
    assert ends == ["cancelled" if is_cancelled else "left"]
