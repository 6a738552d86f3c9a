"""What happens when the API server does not answer, or refuses a request."""

import time
from pathlib import Path

import pytest

from tests.cluster.kubernetes import statuses
from tests.cluster.kubernetes.conftest import IMAGE, NAME, MakeScheduler, cluster_job
from tests.cluster.kubernetes.fake_api.faults import Drop, Fault, Refuse, Text
from tests.cluster.kubernetes.fake_api.server import NAMESPACE, TOKEN, FakeApi
from xlm.cluster.kubernetes.access import connect
from xlm.cluster.kubernetes.api import JOBS, ClusterApi
from xlm.cluster.kubernetes.scheduler import KubernetesScheduler
from xlm.config.launcher.kubernetes import KubernetesConfig
from xlm.errors import ClusterError, UnreachableClusterError


@pytest.mark.parametrize(
    "fault",
    [
        Drop(),
        Drop(after=True),
        Refuse(429, "too many requests", headers={"Retry-After": "1"}),
        Refuse(500),
        Refuse(502),
        Refuse(503),
        Refuse(504),
    ],
    ids=repr,
)
def test_a_fault_for_a_moment_is_not_seen(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path, fault: Fault
) -> None:
    scheduler = scheduler_for(fake)
    scheduler.submit(cluster_job(root))
    for request in ("GET discovery", "GET jobs", "GET jobsets", "GET pods", "GET events"):
        fake.faults.add(request, fault, fault)
    assert len(scheduler_for(fake).find(NAME)) == 1
    # Without JobSet, nobody lists its objects.
    assert fake.faults.left == (0 if fake.has_jobsets else 2)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Drop(), "Connection aborted|Remote end closed"),
        (Refuse(503, "etcd leader changed"), "it answered 503: etcd leader changed"),
        (Refuse(429, "slow down"), "it answered 429: slow down"),
    ],
    ids=["drop", "503", "429"],
)
def test_a_long_outage_is_reported_as_one(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path, fault: Fault, reason: str
) -> None:
    scheduler = scheduler_for(fake)
    scheduler.submit(cluster_job(root))
    impatient = scheduler_for(fake, patience_seconds=0.5)
    fake.faults.permanent = fault
    with pytest.raises(UnreachableClusterError, match=reason):
        impatient.find(NAME)
    with pytest.raises(UnreachableClusterError, match=reason):
        impatient.cancel(NAME)
    with pytest.raises(UnreachableClusterError, match=reason):
        impatient.submit(cluster_job(root, name=f"{NAME}2"))
    fake.faults.permanent = None
    assert len(impatient.find(NAME)) == 1


def test_a_server_that_comes_back_is_found_again(tmp_path: Path, root: Path) -> None:
    with FakeApi() as first:
        kubeconfig = first.kubeconfig(tmp_path / "kubeconfig", namespace=NAMESPACE)
    settings = KubernetesConfig(kubeconfig=str(kubeconfig), image=IMAGE, claim="store")
    scheduler = KubernetesScheduler(settings, api=ClusterApi(connect(settings), patience_seconds=0))
    with pytest.raises(UnreachableClusterError, match=r"Connection refused.*kubectl cluster-info"):
        scheduler.find(NAME)
    with FakeApi(port=first.port):
        scheduler.submit(cluster_job(root))
        assert len(scheduler.find(NAME)) == 1


def test_a_server_that_does_not_answer_ends_the_call(
    plain_fake: FakeApi, scheduler_for: MakeScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xlm.cluster.kubernetes.api._READ_SECONDS", 0.2)
    scheduler = scheduler_for(plain_fake, patience_seconds=0)
    plain_fake.objects.changed.acquire()
    try:
        with pytest.raises(UnreachableClusterError, match="timed out"):
            scheduler.find(NAME)
    finally:
        plain_fake.objects.changed.release()
    assert scheduler.find(NAME) == []


@pytest.mark.parametrize(("requested", "waited"), [("7", 7.0), ("0", 0.0), ("soon", 0.0)])
def test_the_wait_is_what_the_server_asks_for(
    plain_fake: FakeApi, tmp_path: Path, requested: str, waited: float
) -> None:
    kubeconfig = plain_fake.kubeconfig(tmp_path / "kubeconfig", namespace=NAMESPACE)
    waits: list[float] = []
    settings = KubernetesConfig(kubeconfig=str(kubeconfig))
    api = ClusterApi(connect(settings), wait=waits.append)
    plain_fake.faults.add("GET jobs", Refuse(429, headers={"Retry-After": requested}))
    assert api.find(JOBS) == []
    assert waits[0] == waited or (waited == 0 and 0 < waits[0] < 1)


def test_a_server_that_asks_for_a_long_wait_is_unreachable(
    plain_fake: FakeApi, scheduler_for: MakeScheduler
) -> None:
    plain_fake.faults.permanent = Refuse(429, headers={"Retry-After": "3600"})
    began = time.monotonic()
    with pytest.raises(UnreachableClusterError):
        scheduler_for(plain_fake).find(NAME)
    assert len(plain_fake.requests) == 1
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Refuse(401, "Unauthorized"), r"refused to create .*: Unauthorized; log in again"),
        (
            Refuse(403, 'jobs is forbidden: User "me" cannot create resource "jobs"'),
            r"cannot create .*; ask for the permissions in docs/how-to/train-on-kubernetes.md: "
            r"`kubectl auth can-i create jobs(ets)? -n xlm`",
        ),
        (
            Refuse(403, "exceeded quota: team, requested: count/jobs.batch=1"),
            r"exceeded quota: .*; wait for other jobs, or see `kubectl describe quota -n xlm`",
        ),
        (Refuse(404, 'namespaces "xlm" not found'), r"create the namespace, or set launcher\."),
        (Refuse(422, "spec.x: Invalid value: 3"), r"spec\.x: Invalid value: 3; correct the set"),
        (Refuse(400, 'admission webhook "vjob.kb.io" denied the request: no'), r"denied the req"),
        (Refuse(418, ""), r"status 418; the cluster's policy decides"),
    ],
)
def test_a_refusal_is_one_clear_line(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path, fault: Refuse, message: str
) -> None:
    fake.faults.add(f"POST {statuses.plural_of(fake)}", fault)
    with pytest.raises(ClusterError, match=message) as caught:
        scheduler_for(fake).submit(cluster_job(root))
    assert not isinstance(caught.value, UnreachableClusterError)
    assert "\n" not in str(caught.value)
    assert fake.objects.everything() == []
    assert TOKEN not in str(caught.value)


def test_a_quota_of_the_cluster_refuses_the_job(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    fake.admit = lambda body: "jobs is forbidden: exceeded quota: team"
    with pytest.raises(ClusterError, match=r"exceeded quota: team; wait for other jobs"):
        scheduler_for(fake).submit(cluster_job(root))


def test_a_token_that_is_not_valid_is_reported(fake: FakeApi, scheduler_for: MakeScheduler) -> None:
    fake.token = "another"
    with pytest.raises(ClusterError, match=r"Unauthorized; log in again") as caught:
        scheduler_for(fake).find(NAME)
    assert not isinstance(caught.value, UnreachableClusterError)


def test_a_namespace_that_does_not_exist_is_reported(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    with pytest.raises(ClusterError, match=r'namespaces "nowhere" not found; create the names'):
        scheduler_for(fake, namespace="nowhere").submit(cluster_job(root))


def test_a_login_page_is_not_taken_for_an_answer(
    fake: FakeApi, scheduler_for: MakeScheduler
) -> None:
    fake.faults.permanent = Text("<html>\n<title>Please log in</title>")
    with pytest.raises(UnreachableClusterError, match=r"not JSON: <html> <title>Please log in"):
        scheduler_for(fake).find(NAME)
