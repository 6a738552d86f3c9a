"""prefect.yaml: one deployment for the whole pipeline and one for each stage, all valid."""

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.hostile import hostile_folder, imported_from
from tests.repository import REPOSITORY
from xlm.config.reading.resolve import profile_names
from xlm.pipeline.options import RUN_OPTIONS
from xlm.stages.registry import STAGES, stage_named


@pytest.fixture(scope="module")
def deployments() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((REPOSITORY / "prefect.yaml").read_text())[
        "deployments"
    ]
    return found


def test_there_is_one_for_the_whole_pipeline_and_one_for_each_stage(
    deployments: list[dict[str, Any]],
) -> None:
    assert [one["name"] for one in deployments] == [
        "full-pipeline",
        *(stage.name for stage in STAGES),
    ]


def test_the_file_follows_from_the_registry_of_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(REPOSITORY / "infra")
    prefect_yaml = importlib.import_module("generate").prefect_yaml
    assert (REPOSITORY / "prefect.yaml").read_text() == prefect_yaml(), "run `make generate`"


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
def test_the_form_offers_choices_and_accepts_other_values() -> None:
    from flows.full_pipeline import full_pipeline

    properties = full_pipeline.parameters.properties
    names = [stage.name for stage in STAGES]
    # The form shows the title on a button, and without one the bare type, `str`.
    choices = {choice.get("title"): choice.get("enum") for choice in properties["until"]["anyOf"]}
    assert choices["Stage"] == names
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
        assert one["entrypoint"] == "flows.full_pipeline.full_pipeline"
        assert one["work_pool"]["name"] == "xlm-local"
        full_pipeline.validate_parameters(one["parameters"])


@pytest.mark.slow
def test_the_flow_is_loaded_without_the_folder_where_it_runs(
    deployments: list[dict[str, Any]], tmp_path: Path
) -> None:
    """Prefect puts that folder first of all to load it: `random.py` there was Python's."""
    folder = hostile_folder(tmp_path / "here")
    code = (
        "import sys, flows.ui.flow_process\n"
        "from prefect.flows import load_flow_from_entrypoint\n"
        "print(load_flow_from_entrypoint(sys.argv[1]).name)\n"
        "import grp, json, random, typing\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, deployments[0]["entrypoint"]],
        cwd=folder,
        env={**os.environ, "PREFECT_HOME": str(tmp_path / "prefect")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "xlm\n"), done.stderr
    assert imported_from(folder) == []


@pytest.mark.usefixtures("prefect_server")
def test_parameters_are_described_for_the_ui() -> None:
    from flows.full_pipeline import full_pipeline

    properties = full_pipeline.parameters.properties
    assert [*properties] == [option.name for option in RUN_OPTIONS]
    assert all(field.get("description") for field in properties.values())
