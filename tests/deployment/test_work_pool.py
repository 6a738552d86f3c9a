"""The template of a work pool of the type `kubernetes`: what a worker would make of it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes_validate import validate

from tests.cluster.kubernetes.conftest import cluster_job
from tests.deployment.test_kubernetes_server import KUBERNETES, SERVER, VERSIONS
from xlm.cluster.kubernetes.pod import pod_template
from xlm.config.launcher.kubernetes import KubernetesConfig

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


def test_flows_have_the_shared_memory_of_training_jobs() -> None:
    """Without it, /dev/shm has 64 MB, and several processes of a training cannot start."""
    job, settings = cluster_job(Path("/data")), KubernetesConfig(image="xlm", claim="store")
    launched = pod_template(job, settings, attempt="a", job_id="job/a", main_address="127.0.0.1")
    worker = list(yaml.safe_load_all((SERVER / "worker.yaml").read_text()))[-1]
    for pod in (_job()["spec"]["template"]["spec"], worker["spec"]["template"]["spec"]):
        (container,), (ours,) = pod["containers"], launched["spec"]["containers"]
        for found, expected, key, name in (
            (pod["volumes"], launched["spec"]["volumes"], "name", "shared-memory"),
            (container["volumeMounts"], ours["volumeMounts"], "mountPath", "/dev/shm"),
        ):
            (mine,) = [one for one in found if one[key] == name]
            assert mine in expected
