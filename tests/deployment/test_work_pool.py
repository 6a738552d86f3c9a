"""The template of a work pool of the type `kubernetes`: what a worker would make of it."""

import json
import re
from typing import Any

import pytest
import yaml
from kubernetes_validate import validate

from tests.deployment.test_kubernetes_server import KUBERNETES, SERVER, VERSIONS

TEMPLATE = json.loads((KUBERNETES / "work-pool.json").read_text())


def _job() -> dict[str, Any]:
    """The Job with the defaults of the variables, and with command and environment filled in.

    prefect-kubernetes splits the command into words and makes a list of the environment.
    """
    configuration = TEMPLATE["job_configuration"]
    properties = TEMPLATE["variables"]["properties"]
    values = {name: found["default"] for name, found in properties.items()}
    text = json.dumps(configuration["job_manifest"])
    text = text.replace('"{{ command }}"', json.dumps(configuration["command"].split()))
    environment = [{"name": name, "value": value} for name, value in configuration["env"].items()]
    text = text.replace('"{{ env }}"', json.dumps(environment))
    text = re.sub(r"\{\{ (\w+) \}\}", lambda match: str(values[match[1]]), text)
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_a_job_of_the_pool_is_valid(version: str) -> None:
    validate(_job(), version, strict=True)


def test_a_run_cannot_choose_command_environment_or_rights() -> None:
    variables = TEMPLATE["variables"]
    assert variables["additionalProperties"] is False
    assert set(variables["properties"]) == {"image", "cpu_request", "memory_request"}
    pod = _job()["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    # prefect-kubernetes accepts no other name.
    assert container["name"] == "prefect-job"
    assert container["args"] == ["python", "-P", "-m", "flows.ui.flow_process"]
    assert pod["securityContext"]["runAsNonRoot"] is True


def test_a_flow_has_the_store_and_the_rights_of_the_worker() -> None:
    pods = list(yaml.safe_load_all((SERVER / "worker.yaml").read_text()))
    worker = pods[-1]["spec"]["template"]["spec"]
    pod = _job()["spec"]["template"]["spec"]
    for name in ("securityContext", "serviceAccountName", "volumes"):
        assert pod[name] == worker[name]
    (container,), (ours,) = pod["containers"], worker["containers"]
    for name in ("securityContext", "volumeMounts"):
        assert container[name] == ours[name]
