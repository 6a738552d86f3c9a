"""Names of runs."""

from typing import Any
from uuid import UUID

import pytest

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({}, "sample"),
        ({"profile": "mini15", "until": "pretrain"}, "mini15 until pretrain"),
        ({"profile": "mini15", "name": "base"}, "base: mini15"),
        ({"profile": "a/small.yaml", "only": ["learn-bpe"]}, "small only learn-bpe"),
        (
            {"profile": "mini15", "refresh": ["tokenize[sw]"], "overrides": ["bpe.codes=9000"]},
            "mini15 refresh tokenize[sw], bpe.codes=9000",
        ),
        ({"overrides": {"bpe.codes": 9000, "sample.seed": 2}}, "sample, bpe.codes=9000 +1"),
    ],
)
def test_a_name_shows_what_is_run(parameters: dict[str, Any], name: str) -> None:
    from flows.names import descriptive_name

    assert descriptive_name(parameters) == name


@pytest.mark.parametrize("long", [{"overrides": ["x=" + "y" * 500]}, {"only": ["shard"] * 100}])
def test_a_name_fits_on_a_line(long: dict[str, Any]) -> None:
    from flows.names import descriptive_name

    assert len(descriptive_name(long)) <= 80


@pytest.mark.parametrize(
    ("given", "kept"), [("my-run", True), ("paper", True), ("run 3", True), (None, False)]
)
def test_a_name_of_the_user_is_kept(given: str | None, kept: bool) -> None:
    from prefect import flow
    from prefect.client.orchestration import get_client
    from prefect.flow_engine import run_flow
    from prefect.runtime import flow_run

    from flows.names import run_name

    seen: list[str] = []

    @flow(flow_run_name=run_name)
    def named(profile: str = "mini15") -> None:
        seen.append(flow_run.id)

    if given is None:
        named()
    with get_client(sync_client=True) as client:
        if given is not None:
            run_flow(named, flow_run=client.create_flow_run(named, name=given, parameters={}))
        assert client.read_flow_run(UUID(seen[0])).name == (given if kept else "mini15")
