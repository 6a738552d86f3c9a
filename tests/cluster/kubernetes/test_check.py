"""`xlm launch check` on Kubernetes: every verdict, and nothing is created."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.kubernetes.conftest import IMAGE, NAME, cluster_job, role_rules
from tests.cluster.kubernetes.fake_api.faults import Refuse
from tests.cluster.kubernetes.fake_api.server import NAMESPACE, TOKEN, FakeApi
from xlm.cluster.checks.check import Check, Verdict, caught
from xlm.cluster.kubernetes.check import VERBS, check_kubernetes
from xlm.config.launcher.kubernetes import KubernetesConfig

Look = Callable[..., dict[str, Check]]


@pytest.fixture
def look(tmp_path: Path, root: Path) -> Look:
    """Checks a cluster; the checks by name."""

    def make(fake: FakeApi, *, nodes: int = 1, **fields: Any) -> dict[str, Check]:
        kubeconfig = fake.kubeconfig(tmp_path / "kubeconfig", namespace=NAMESPACE)
        values = {"kubeconfig": str(kubeconfig), "image": IMAGE, "claim": "store"}
        settings = KubernetesConfig(**values | fields)
        before = fake.objects.everything()
        found = list(caught("settings", check_kubernetes(settings, cluster_job(root, nodes=nodes))))
        assert fake.objects.everything() == before
        assert TOKEN not in repr(found)
        assert all(check.fix for check in found if check.verdict != Verdict.OK)
        assert len({check.name for check in found}) == len(found)
        return {check.name: check for check in found}

    return make


@pytest.fixture
def open_fake() -> Any:
    """A cluster whose user may do everything, with all objects that a test names."""
    with FakeApi() as api:
        _add(api, "persistentvolumeclaims", "store", phase="Bound")
        yield api


def _add(
    api: FakeApi,
    plural: str,
    name: str,
    *,
    phase: str = "",
    modes: tuple[str, ...] = ("ReadWriteMany",),
    **fields: Any,
) -> None:
    body = {
        "metadata": {"name": name},
        "spec": {"accessModes": list(modes)},
        "status": {"phase": phase, "capacity": {"storage": "1Ti"}},
        **fields,
    }
    api.objects.create(plural, "" if plural == "priorityclasses" else NAMESPACE, body)


def _failures(checks: dict[str, Check]) -> list[str]:
    return [name for name, check in checks.items() if check.has_failed]


def test_all_is_well(open_fake: FakeApi, look: Look) -> None:
    _add(open_fake, "serviceaccounts", "trainer")
    _add(open_fake, "secrets", "pull", data={"password": "canary"})
    _add(open_fake, "secrets", "keys", data={"key": "canary"})
    _add(open_fake, "configmaps", "nccl")
    _add(open_fake, "priorityclasses", "high")
    _add(open_fake, "localqueues", "team")
    checks = look(
        open_fake,
        service_account="trainer",
        image_pull_secrets=["pull"],
        secret_env={"KEY": "keys/key"},
        env_from_config_maps=["nccl"],
        priority_class="high",
        queue="team",
    )
    assert {name: check.verdict.value for name, check in checks.items()} == dict.fromkeys(
        ["credentials", "API server", "workload", "namespace", "permissions", "volume",
         "service account", "secrets", "config maps", "priority class", "queue", "creation"],
        "ok",
    )  # fmt: skip
    assert "v1.34.1" in checks["API server"].found
    assert checks["secrets"].found == "pull, keys"
    assert checks["volume"].found == "store is bound, 1Ti, ReadWriteMany"
    assert open_fake.read_completely.isdisjoint({"secrets", "configmaps"})
    assert "canary" not in repr(checks)


def test_what_is_missing_is_named(open_fake: FakeApi, look: Look) -> None:
    checks = look(
        open_fake,
        claim="lost",
        service_account="trainer",
        env_from_secrets=["keys"],
        env_from_config_maps=["nccl"],
        priority_class="high",
        queue="team",
    )
    assert _failures(checks) == [
        "volume", "service account", "secrets", "config maps", "priority class", "queue"
    ]  # fmt: skip
    assert "no PersistentVolumeClaim lost" in checks["volume"].found
    assert checks["secrets"].found == "missing in namespace xlm: keys"
    assert checks["queue"].found == "the cluster has no Kueue"
    _add(open_fake, "localqueues", "other")
    assert look(open_fake, queue="team")["queue"].found.startswith("there is no LocalQueue team")


def test_a_queue_that_is_not_active_is_a_warning(open_fake: FakeApi, look: Look) -> None:
    condition = {"type": "Active", "status": "False", "message": "ClusterQueue is stopped"}
    _add(open_fake, "localqueues", "team", status={"conditions": [condition]})
    assert look(open_fake, queue="team")["queue"].verdict == Verdict.WARNING


@pytest.mark.parametrize(
    ("phase", "modes", "nodes", "verdict"),
    [
        ("Pending", ["ReadWriteMany"], 1, "warning"),
        ("Lost", ["ReadWriteMany"], 1, "failed"),
        ("Bound", ["ReadWriteOnce"], 1, "warning"),
        ("Bound", ["ReadWriteOnce"], 2, "failed"),
        ("Bound", ["ReadOnlyMany"], 1, "failed"),
        ("Bound", ["ReadOnlyMany", "ReadWriteMany"], 2, "ok"),
    ],
)
def test_the_state_of_the_volume(
    open_fake: FakeApi, look: Look, phase: str, modes: list[str], nodes: int, verdict: str
) -> None:
    _add(open_fake, "persistentvolumeclaims", "other", phase=phase, modes=tuple(modes))
    assert look(open_fake, claim="other", nodes=nodes)["volume"].verdict == verdict


def test_our_role_is_enough_and_the_rest_is_said_to_be_unknown(fake: FakeApi, look: Look) -> None:
    checks = look(fake, nodes=2, env_from_secrets=["keys"], priority_class="high")
    assert _failures(checks) == []
    assert checks["permissions"].verdict == checks["creation"].verdict == Verdict.OK
    unknown = [name for name, check in checks.items() if check.verdict == Verdict.WARNING]
    assert unknown == ["volume", "secrets", "priority class"]
    assert "kubectl get secrets keys -n xlm" in checks["secrets"].fix


def test_the_permissions_that_are_checked_are_those_of_the_role() -> None:
    role = {
        (group, resource): set(rule["verbs"])
        for rule in role_rules()
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert {key: set(verbs) for key, verbs in VERBS.items()} == role


def test_each_missing_permission_is_named(fake: FakeApi, look: Look) -> None:
    fake.rules = [
        {**rule, "verbs": [verb for verb in rule["verbs"] if verb != "delete"]}
        for rule in role_rules()
        if rule["resources"] != ["events"]
    ]
    found = look(fake)["permissions"]
    assert found.has_failed
    assert "delete jobs, " in found.found
    assert "delete pods, list events" in found.found
    assert ("delete jobsets" in found.found) == fake.has_jobsets
    fake.rules = [rule for rule in role_rules() if rule["resources"] != ["events"]]
    assert look(fake)["permissions"].verdict == Verdict.WARNING


def test_a_namespace_that_is_missing(open_fake: FakeApi, fake: FakeApi, look: Look) -> None:
    checks = look(open_fake, namespace="nowhere")
    assert checks["namespace"].found == "there is no namespace nowhere"
    assert "kubectl create namespace nowhere" in checks["namespace"].fix
    # Without the permission to look, the dry run finds out.
    checks = look(fake, namespace="nowhere")
    assert "namespace" not in checks
    assert 'namespaces "nowhere" not found' in checks["creation"].found
    assert "create the namespace" in checks["creation"].fix


def test_a_jobset_is_required_where_there_is_none(
    plain_fake: FakeApi, jobset_fake: FakeApi, look: Look
) -> None:
    assert look(plain_fake, workload="jobset")["workload"].has_failed
    assert "no JobSet: a job is an indexed Job" in look(plain_fake)["workload"].found
    assert (
        "launcher.kubernetes.workload is job" in look(jobset_fake, workload="job")["workload"].found
    )


def test_an_old_jobset_is_asked_again_without_the_newer_fields(
    jobset_fake: FakeApi, look: Look
) -> None:
    jobset_fake.unknown_fields = {"onJobFailureMessagePatterns"}
    assert look(jobset_fake)["creation"].verdict == Verdict.OK
    jobset_fake.unknown_fields = {"replicatedJobs"}
    assert "unknown field" in look(jobset_fake)["creation"].found


def test_quota_and_policies_are_found_by_the_dry_run(fake: FakeApi, look: Look) -> None:
    fake.admit = lambda body: f'"{NAME}-a1" is forbidden: exceeded quota: gpus'
    found = look(fake)["creation"]
    assert found.has_failed
    assert "exceeded quota: gpus" in found.found
    assert "kubectl describe quota" in found.fix


def test_a_server_that_does_not_answer_or_know_us(fake: FakeApi, look: Look) -> None:
    assert _failures(look(fake, context="other")) == ["API server"]
    fake.token = "another"
    found = look(fake)["API server"]
    assert found.has_failed
    assert "kubectl auth whoami" in found.fix


def test_one_refused_question_does_not_hide_the_others(open_fake: FakeApi, look: Look) -> None:
    open_fake.faults.add("POST discovery", Refuse(403, message="no reviews here"))
    checks = look(open_fake)
    assert _failures(checks) == ["permissions"]
    assert "no reviews here" in checks["permissions"].found
    assert checks["creation"].verdict == Verdict.OK


def test_settings_and_credentials_that_are_missing(
    plain_fake: FakeApi, look: Look, tmp_path: Path
) -> None:
    assert "image is not set" in look(plain_fake, image="")["settings"].found
    assert "claim is not set" in look(plain_fake, claim=None)["settings"].found
    found = look(plain_fake, kubeconfig=str(tmp_path / "none"))
    assert _failures(found) == ["credentials"]
    path = plain_fake.kubeconfig(tmp_path / "hostile", namespace=NAMESPACE)
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["clusters"][0]["cluster"]["server"] = "http://me:canary@127.0.0.1:9"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    found = look(plain_fake, kubeconfig=str(path))
    assert found["API server"].has_failed
    assert "canary" not in repr(found)


def test_a_folder_outside_of_the_volume(fake: FakeApi, look: Look) -> None:
    assert "does not contain" in look(fake, mount_path="/elsewhere")["creation"].found
