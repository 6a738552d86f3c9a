"""A flow run that is cancelled in the UI cancels its jobs; any other end leaves them."""

import pytest


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
    from xlm.processes.lasting import lasting_job

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
