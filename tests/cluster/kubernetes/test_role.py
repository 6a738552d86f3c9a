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


def _everything(fake: FakeApi, scheduler_for: MakeScheduler, root: Path) -> set[Ask]:
    """What a life of a job asks the API server for; other tests do no more under the Role."""
    scheduler, plural = scheduler_for(fake), statuses.plural_of(fake)
    other = {"kind": "Other", "metadata": {"name": f"{NAME}-other-a1"}}
    fake.objects.create(plural, "xlm", other)
    with pytest.raises(ClusterError, match="without our labels"):
        scheduler.submit(cluster_job(root, name=f"{NAME}-other"))
    fake.objects.delete(plural, "xlm", f"{NAME}-other-a1", "Background")
    fake.faults.add(f"POST {plural}", Drop(after=True))
    scheduler.submit(cluster_job(root, nodes=2))
    scheduler.find(NAME)
    child = statuses.add_child_job(fake)
    fake.objects.pods_end_slowly = True
    for index in (0, 1):
        pod = statuses.add_pod(fake, child, index)
        statuses.run_pod(fake, pod)
    scheduler.find(NAME)
    fake.logs[pod] = b"attempt 1\n"
    lines = scheduler.logs(NAME)
    assert next(lines) == f"{pod}: attempt 1"
    scheduler.cancel(NAME)
    scheduler.cancel(NAME, kill=True)
    for pod in fake.objects.list("pods", "xlm")[0]:
        fake.objects.end_pod("xlm", names.name_of(pod))
    assert list(lines) == []
    # A submitter that was killed before it created the Job.
    service = {"kind": "Service", "metadata": {"name": "a", "labels": names.labels("orphan")}}
    fake.objects.create("services", "xlm", service)
    scheduler.cancel("orphan")
    return fake.asked


def test_the_role_allows_what_we_ask_for_and_nothing_else(
    jobset_fake: FakeApi, plain_fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    asked = _everything(jobset_fake, scheduler_for, root)
    asked |= _everything(plain_fake, scheduler_for, root)
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
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    fake.rules = [
        {**rule, "verbs": [verb for verb in rule["verbs"] if verb != "create"]}
        for rule in role_rules()
    ]
    plural = statuses.plural_of(fake)
    expected = rf"cannot create resource .*`kubectl auth can-i create {plural} -n xlm`"
    with pytest.raises(ClusterError, match=expected):
        scheduler_for(fake).submit(cluster_job(root))
