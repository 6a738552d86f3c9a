"""prefect.yaml: one deployment for the whole and one for each stage, all of them valid."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from xlm.config.resolve import profile_names
from xlm.pipeline.graph import stage_named
from xlm.stages.registry import STAGES

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def deployments() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((REPOSITORY / "prefect.yaml").read_text())[
        "deployments"
    ]
    return found


def test_there_is_one_for_the_whole_and_one_for_each_stage(
    deployments: list[dict[str, Any]],
) -> None:
    assert [one["name"] for one in deployments] == [
        "full-pipeline",
        *(stage.name for stage in STAGES),
    ]


def test_each_says_what_it_builds_and_what_refresh_does(
    deployments: list[dict[str, Any]],
) -> None:
    for one in deployments:
        assert "`refresh" in one["description"]
        assert "compared" in one["description"]
        if one["name"] != "full-pipeline":
            summary = stage_named(one["name"]).summary.rstrip(".")
            assert one["description"].casefold().startswith(summary.casefold())


@pytest.mark.usefixtures("prefect_server")
def test_the_form_offers_choices_and_takes_what_is_none_of_them() -> None:
    from flows.full_pipeline import full_pipeline

    properties = full_pipeline.parameters.properties
    names = [stage.name for stage in STAGES]
    assert names in [choice.get("enum") for choice in properties["until"]["anyOf"]]
    for name in ("only", "refresh"):
        items = next(one["items"] for one in properties[name]["anyOf"] if "items" in one)
        assert [one.get("enum") for one in items["anyOf"]] == [names, None]
    assert [one.get("enum") for one in properties["profile"]["anyOf"]] == [profile_names(), None]
    full_pipeline.validate_parameters(
        {"profile": "my/profile.yaml", "only": ["tokenize[sw]"], "refresh": ["tokenize[sw]"]}
    )


@pytest.mark.usefixtures("prefect_server")
def test_their_parameters_fit_the_flow(deployments: list[dict[str, Any]]) -> None:
    from flows.full_pipeline import full_pipeline

    for one in deployments:
        assert one["entrypoint"] == "flows/full_pipeline.py:full_pipeline"
        assert one["work_pool"]["name"] == "xlm-local"
        full_pipeline.validate_parameters(one["parameters"])


@pytest.mark.usefixtures("prefect_server")
def test_parameters_are_described_for_the_ui() -> None:
    from flows.full_pipeline import full_pipeline

    properties = full_pipeline.parameters.properties
    assert list(properties) == [
        "profile",
        "overrides",
        "languages",
        "until",
        "only",
        "refresh",
        "verify",
    ]
    assert all(field.get("description") for field in properties.values())
