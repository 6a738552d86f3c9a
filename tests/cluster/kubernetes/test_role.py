"""The Role in infra/kubernetes/training allows what our code asks for, and nothing else."""

from pathlib import Path

import pytest

from tests.cluster.kubernetes import statuses
from tests.cluster.kubernetes.conftest import NAME, MakeScheduler, cluster_job, role_rules
from tests.cluster.kubernetes.fake_api.faults import Drop
from tests.cluster.kubernetes.fake_api.permissions import Ask, allows
from tests.cluster.kubernetes.fake_api.server import FakeApi
from xlm.cluster.kubernetes import names
from xlm.errors import ClusterError


def _everything(cluster: FakeApi, scheduler_for: MakeScheduler, root: Path) -> set[Ask]:
    """What a life of a job asks the API server for; other tests do no more under the Role."""
    scheduler, plural = scheduler_for(cluster), statuses.plural_of(cluster)
    other = {"kind": "Other", "metadata": {"name": f"{NAME}-other-a1"}}
    cluster.objects.create(plural, "xlm", other)
    with pytest.raises(ClusterError, match="without our labels"):
        scheduler.submit(cluster_job(root, name=f"{NAME}-other"))
    cluster.objects.delete(plural, "xlm", f"{NAME}-other-a1", "Background")
    cluster.faults.add(f"POST {plural}", Drop(after=True))
    scheduler.submit(cluster_job(root, nodes=2))
    scheduler.find(NAME)
    child = statuses.add_child_job(cluster)
    cluster.objects.pods_end_slowly = True
    for index in (0, 1):
        statuses.run_pod(cluster, statuses.add_pod(cluster, child, index))
    scheduler.find(NAME)
    scheduler.cancel(NAME)
    scheduler.cancel(NAME, kill=True)
    # A submitter that was killed before it created the Job.
    service = {"kind": "Service", "metadata": {"name": "a", "labels": names.labels("orphan")}}
    cluster.objects.create("services", "xlm", service)
    scheduler.cancel("orphan")
    return cluster.asked


def test_the_role_allows_what_we_ask_for_and_nothing_else(
    jobset_cluster: FakeApi, plain_cluster: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    asked = _everything(jobset_cluster, scheduler_for, root)
    asked |= _everything(plain_cluster, scheduler_for, root)
    assert [ask for ask in asked if not allows(role_rules(), ask)] == []
    allowed = {
        Ask(verb, group, resource)
        for rule in role_rules()
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert allowed - asked == set()


def test_a_role_without_a_permission_is_reported(
    cluster: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    cluster.rules = [
        {**rule, "verbs": [verb for verb in rule["verbs"] if verb != "create"]}
        for rule in role_rules()
    ]
    plural = statuses.plural_of(cluster)
    expected = rf"cannot create resource .*`kubectl auth can-i create {plural} -n xlm`"
    with pytest.raises(ClusterError, match=expected):
        scheduler_for(cluster).submit(cluster_job(root))
