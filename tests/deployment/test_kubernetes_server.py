"""`infra/kubernetes`: server, database and worker, against the schemas of the Kubernetes API."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes_validate import ValidationError, validate

from tests.repository import REPOSITORY

KUBERNETES = REPOSITORY / "infra" / "kubernetes"
SERVER, TRAINING = KUBERNETES / "server", KUBERNETES / "training"
VERSIONS = ("1.29", "1.37")


def _resources() -> list[dict[str, Any]]:
    """The objects in the files that the kustomization names, and in those of its base."""
    return [
        found
        for folder in (SERVER, TRAINING)
        for path in sorted(folder.glob("*.yaml"))
        if path.name != "kustomization.yaml"
        for found in yaml.safe_load_all(path.read_text())
    ]


def _built(folder: Path) -> list[dict[str, Any]]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    done = subprocess.run(
        ["kubectl", "kustomize", folder], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def _pods(resources: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The pod templates, by the name of what makes the pods."""
    return {
        found["metadata"]["name"]: found["spec"]["template"]["spec"]
        for found in resources
        if "template" in found.get("spec", {})
    }


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", []), *pod["containers"]]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_objects_are_valid(version: str) -> None:
    for found in _resources():
        validate(found, version, strict=True)


def test_a_misspelt_field_would_be_seen() -> None:
    (server,) = [one for one in _resources() if one["kind"] == "Deployment"]
    server["spec"]["template"]["spec"]["enableServiceLink"] = False
    with pytest.raises(ValidationError, match="enableServiceLink"):
        validate(server, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["server", "external-database"])
def test_kustomize_builds_valid_objects(name: str, version: str) -> None:
    built = _built(KUBERNETES / name)
    for found in built:
        validate(found, version, strict=True)
        if found["kind"] != "Namespace":
            assert found["metadata"]["namespace"] == "xlm"
    images = {one["image"] for pod in _pods(built).values() for one in _containers(pod)}
    assert "registry.example/xlm:0.1.0" in images
    assert all(":" in image and not image.endswith(":latest") for image in images)


def test_an_external_database_replaces_the_one_in_the_cluster() -> None:
    built = _built(KUBERNETES / "external-database")
    assert not [one for one in built if one["metadata"]["name"] == "database"]
    (server,) = _pods(built)["server"]["containers"]
    hosts = [one for one in server["env"] if one["name"] == "PREFECT_SERVER_DATABASE_HOST"]
    assert hosts == [{"name": "PREFECT_SERVER_DATABASE_HOST", "value": "database.example"}]


@pytest.mark.parametrize("folder", [SERVER, TRAINING], ids=lambda path: path.name)
def test_every_file_is_named_by_the_kustomization(folder: Path) -> None:
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    files = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
    assert files == {name for name in kustomization["resources"] if name != "../training"}


def test_pods_fit_the_restricted_security_standard() -> None:
    pods = _pods(_resources())
    assert set(pods) == {"database", "server", "worker"}
    for pod in pods.values():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in _containers(pod):
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert security["readOnlyRootFilesystem"] is True
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]


def test_no_password_is_in_the_files() -> None:
    resources = _resources()
    assert not [one for one in resources if one["kind"] == "Secret"]
    for pod in _pods(resources).values():
        for container in _containers(pod):
            for variable in container.get("env", []):
                if any(word in variable["name"] for word in ("PASSWORD", "AUTH", "CREDENTIALS")):
                    assert variable["valueFrom"]["secretKeyRef"]["name"] == "xlm-prefect"


def test_only_the_worker_talks_to_the_cluster_and_only_to_its_namespace() -> None:
    resources = _resources()
    pods = _pods(resources)
    assert pods["worker"]["serviceAccountName"] == "xlm-worker"
    for name in ("database", "server"):
        assert pods[name]["automountServiceAccountToken"] is False
    assert not [one for one in resources if one["kind"].startswith("Cluster")]
    (role,) = [one for one in resources if one["kind"] == "Role"]
    (binding,) = [one for one in resources if one["kind"] == "RoleBinding"]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "xlm-worker"}]
    granted = {resource for rule in role["rules"] for resource in rule["resources"]}
    assert not {"secrets", "pods/exec", "*"} & granted
    assert not any("*" in rule["verbs"] for rule in role["rules"])


def test_network_policies_select_the_pods() -> None:
    resources = _resources()
    labels = {
        one["metadata"]["name"]: one["spec"]["template"]["metadata"]["labels"]
        for one in resources
        if "template" in one.get("spec", {})
    }
    policies = {
        one["metadata"]["name"]: one["spec"] for one in resources if one["kind"] == "NetworkPolicy"
    }
    policies.pop("xlm-training")  # its pods are not made here
    assert set(policies) == set(labels)
    for name, policy in policies.items():
        assert policy["podSelector"]["matchLabels"] == labels[name]
    services = {
        one["metadata"]["name"]: one["spec"] for one in resources if one["kind"] == "Service"
    }
    for name, service in services.items():
        assert service["selector"] == labels[name]
    allowed = {
        name: [
            source["podSelector"]["matchLabels"]
            for rule in policy["ingress"]
            for source in rule["from"]
        ]
        for name, policy in policies.items()
    }
    flow = {"app.kubernetes.io/name": "xlm-flow"}
    assert allowed == {
        "database": [labels["server"]],
        "server": [labels["worker"], flow],
        "worker": [],
    }


def test_the_server_is_that_of_compose() -> None:
    """Two descriptions of one server; they may differ in addresses and secrets only."""
    from tests.flows.shared_server.compose import service

    secrets = {"XLM_PREFECT_TOKEN": "x", "XLM_POSTGRES_PASSWORD": "x"}
    compose = service("server", secrets)
    (server,) = _pods(_resources())["server"]["containers"]
    assert server["command"] == compose["entrypoint"]
    assert server["args"] == compose["command"]
    plain = {one["name"]: one["value"] for one in server["env"] if "value" in one}
    hidden = {one["name"] for one in server["env"] if "valueFrom" in one}
    ours = {name: value for name, value in compose["environment"].items() if name not in hidden}
    assert plain == ours
    assert hidden == {name for name, value in compose["environment"].items() if value == "x"}
