"""The objects that we create: as reviewed in `golden/`, and valid for the API server.

After a change on purpose: `python -m tests.cluster.kubernetes.golden_files`.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from tests.cluster.kubernetes.conftest import IMAGE, cluster_job, role_rules
from tests.cluster.kubernetes.fake_api.objects import Document
from tests.cluster.kubernetes.fake_api.schemas import VERSIONS, errors_of
from tests.cluster.kubernetes.golden_files import GOLDEN, ROOT, manifests_of, rendered
from tests.repository import REPOSITORY
from xlm.cluster.kubernetes.manifests import Manifests
from xlm.cluster.kubernetes.names import attempt_name, attempt_number
from xlm.config.launcher.kubernetes import KubernetesConfig

FILES = rendered()
_FOLDER = REPOSITORY / "infra" / "kubernetes" / "training"
TEMPLATES = sorted(set(_FOLDER.glob("*.yaml")) - {_FOLDER / "kustomization.yaml"})


@pytest.mark.parametrize("name", FILES)
def test_manifests_are_the_golden_files(name: str) -> None:
    assert (GOLDEN / name).read_text(encoding="utf-8") == FILES[name]


def test_there_is_no_other_golden_file() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(FILES)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", FILES)
def test_golden_files_are_valid(name: str, version: str) -> None:
    for document in yaml.safe_load_all(FILES[name]):
        assert errors_of(document, version=version) == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_are_valid(path: Path, version: str) -> None:
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        assert errors_of(document, version=version) == []


def test_the_network_policy_and_the_objects_select_the_same_pods() -> None:
    policy = yaml.safe_load((_FOLDER / "network-policy.yaml").read_text())
    pods = policy["spec"]["podSelector"]["matchLabels"]
    assert policy["spec"]["ingress"][0]["from"][0]["podSelector"]["matchLabels"] == pods
    job = next(yaml.safe_load_all(FILES["cpu-job.yaml"]))
    assert pods.items() <= job["spec"]["template"]["metadata"]["labels"].items()


def _misspell(names: list[str]) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        place = document
        for name in names[:-1]:
            place = place[int(name)] if isinstance(place, list) else place[name]
        place[names[-1] + "s"] = place.pop(names[-1])

    return change


_POD = ["template", "spec"]
_JOB_IN_SET = ["spec", "replicatedJobs", "0", "template", "spec"]
_FIELDS = [
    *(["spec", *rest] for rest in (["backoffLimit"], ["podFailurePolicy"], ["completionMode"])),
    ["spec", *_POD, "terminationGracePeriodSeconds"],
    ["spec", *_POD, "securityContext", "runAsNonRoot"],
    ["spec", *_POD, "containers", "0", "resources"],
    ["spec", *_POD, "containers", "0", "volumeMounts", "0", "subPath"],
    ["spec", *_POD, "tolerations", "0", "effect"],
    ["spec", *_POD, "volumes", "0", "persistentVolumeClaim", "claimName"],
]
_SET_FIELDS = [
    ["spec", "failurePolicy"],
    ["spec", "failurePolicy", "rules", "0", "onJobFailureMessagePatterns"],
    ["spec", "network", "publishNotReadyAddresses"],
    *([*_JOB_IN_SET, *field[1:]] for field in _FIELDS),
]


@pytest.mark.parametrize("names", _FIELDS, ids="/".join)
def test_a_misspelt_field_of_a_job_would_be_found(names: list[str]) -> None:
    _require_found("gpu-2-nodes-job.yaml", "Job", names)


@pytest.mark.parametrize("names", _SET_FIELDS, ids="/".join)
def test_a_misspelt_field_of_a_jobset_would_be_found(names: list[str]) -> None:
    _require_found("gpu-2-nodes-jobset.yaml", "JobSet", names)


def _require_found(name: str, kind: str, names: list[str]) -> None:
    document = next(one for one in yaml.safe_load_all(FILES[name]) if one["kind"] == kind)
    changed = deepcopy(document)
    _misspell(names)(changed)
    assert errors_of(document) == []
    assert errors_of(changed) != []


def test_a_wrong_type_would_be_found() -> None:
    for name, kind in (("cpu-job.yaml", "Job"), ("cpu-jobset.yaml", "JobSet")):
        document = next(one for one in yaml.safe_load_all(FILES[name]) if one["kind"] == kind)
        document["spec"]["ttlSecondsAfterFinished"] = "a week"
        assert errors_of(document) != []


def test_no_pod_runs_as_root_or_gets_a_token() -> None:
    for text in FILES.values():
        for document in yaml.safe_load_all(text):
            if document["kind"] == "Service":
                continue
            spec = document["spec"]
            if document["kind"] == "JobSet":
                spec = spec["replicatedJobs"][0]["template"]["spec"]
            pod = spec["template"]["spec"]
            assert pod["securityContext"]["runAsNonRoot"] is True
            assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
            assert pod["automountServiceAccountToken"] is False
            assert pod["containers"][0]["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_the_grace_period_is_longer_than_the_time_to_save() -> None:
    job = cluster_job(ROOT, save_seconds=90.5)
    manifest = manifests_of().indexed_job(job, "name-a1")
    assert manifest["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 91 + 30


def test_secrets_are_named_and_never_written() -> None:
    settings = KubernetesConfig(
        image=IMAGE,
        claim="store",
        secret_env={"HF_TOKEN": "hub/token"},
        env_from_secrets=("proxy",),
    )
    job = cluster_job(ROOT, environment={"HF_TOKEN": "hf_canary", "LANG": "C.UTF-8"})
    for document in (
        Manifests(settings).jobset(job, "name-a1"),
        Manifests(settings).indexed_job(job, "name-a1"),
    ):
        assert "hf_canary" not in json.dumps(document)
        assert '"secretKeyRef": {"name": "hub", "key": "token"}' in json.dumps(document)


@pytest.mark.parametrize("length", [10, 40, 41, 63])
def test_names_leave_space_for_those_of_pods(length: int) -> None:
    job = ("xlm-" + "evaluate-" * 7)[: length - 1] + "0"
    name = attempt_name(job, 12)
    host = f"{name}-train-0-15"
    assert len(host) <= 63
    assert attempt_number(name) == 12
    assert name == attempt_name(job, 12)
    assert name != attempt_name(job[:-1] + "1", 12)
    assert name[: min(length, 29)] == job[:29]


def test_the_role_has_no_wildcard() -> None:
    assert "*" not in json.dumps(role_rules())


def test_golden_files_mount_the_store_at_its_own_path() -> None:
    job = next(yaml.safe_load_all(FILES["cpu-job.yaml"]))
    container = job["spec"]["template"]["spec"]["containers"][0]
    assert container["volumeMounts"][0]["mountPath"] == str(ROOT)
    assert Path(container["command"][-1]).is_relative_to(ROOT)
