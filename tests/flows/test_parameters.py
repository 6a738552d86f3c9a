"""The parameters of the flow are the options of a run."""

import pytest

from xlm.pipeline.options import RUN_OPTIONS
from xlm.pipeline.request import RunRequest


@pytest.mark.usefixtures("prefect_server")
def test_the_flow_takes_each_option_and_makes_the_request_of_the_command_line() -> None:
    from flows.full_pipeline import full_pipeline
    from flows.parameters import request_of

    request = RunRequest(
        profile="mini15",
        overrides=("bpe.codes=9000",),
        languages=("en", "sw"),
        until="pretrain",
        only=("tokenize", "split"),
        refresh=("tokenize[sw]",),
        verify="deep",
    )
    parameters = full_pipeline.validate_parameters(request.model_dump(mode="json"))
    assert parameters.keys() == {option.name for option in RUN_OPTIONS}
    assert request_of(parameters) == request
    assert request_of(full_pipeline.validate_parameters({})) == RunRequest()
    object_of_overrides = {"overrides": {"bpe.codes": 9000}}
    assert request_of(object_of_overrides).overrides == ("bpe.codes=9000",)
