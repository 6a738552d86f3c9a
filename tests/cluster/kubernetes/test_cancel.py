"""A cancelled job leaves nothing behind."""

from pathlib import Path

import pytest

from tests.cluster.kubernetes import statuses
from tests.cluster.kubernetes.conftest import NAME, MakeScheduler, cluster_job
from tests.cluster.kubernetes.fake_api.faults import Drop
from tests.cluster.kubernetes.fake_api.server import NAMESPACE, FakeApi
from xlm.errors import UnreachableClusterError


@pytest.mark.parametrize("is_running", [True, False])
def test_nothing_is_left(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path, is_running: bool
) -> None:
    scheduler = scheduler_for(fake)
    scheduler.submit(cluster_job(root, nodes=2))
    child = statuses.add_child_job(fake)
    for index in (0, 1):
        pod = statuses.add_pod(fake, child, index)
        if is_running:
            statuses.run_pod(fake, pod)
    scheduler.cancel(NAME)
    assert fake.objects.everything() == []
    assert scheduler.find(NAME) == []
    scheduler.cancel(NAME)


def test_earlier_attempts_are_deleted_too(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    scheduler = scheduler_for(fake)
    scheduler.submit(cluster_job(root, nodes=2))
    child = statuses.add_child_job(fake)
    statuses.fail_pod(fake, statuses.add_pod(fake, child), 1)
    statuses.fail_attempt(fake, child, "BackoffLimitExceeded", "")
    scheduler.submit(cluster_job(root, nodes=2))
    assert len(scheduler.find(NAME)) == 2
    scheduler.cancel(NAME)
    assert fake.objects.everything() == []


def test_only_the_job_itself_is_deleted(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    scheduler = scheduler_for(fake)
    scheduler.submit(cluster_job(root))
    other = cluster_job(root, name=f"{NAME}2")
    scheduler.submit(other)
    scheduler.cancel(NAME)
    assert scheduler.find(NAME) == []
    assert len(scheduler.find(other.name)) == 1


def test_a_lost_answer_does_not_stop_the_deletion(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    scheduler = scheduler_for(fake)
    scheduler.submit(cluster_job(root, nodes=2))
    fake.faults.add(f"DELETE {statuses.plural_of(fake)}", Drop(after=True), Drop())
    scheduler.cancel(NAME)
    assert fake.objects.everything() == []


def test_a_service_of_a_killed_submitter_is_deleted(
    plain_fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    plain_fake.faults.add("POST jobs", Drop())
    with pytest.raises(UnreachableClusterError):
        scheduler_for(plain_fake, patience_seconds=0).submit(cluster_job(root, nodes=2))
    assert [plural for plural, _, _ in plain_fake.objects.everything()] == ["services"]
    scheduler_for(plain_fake).cancel(NAME)
    assert plain_fake.objects.everything() == []


def test_a_pod_that_does_not_end_is_killed_on_request(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    """With a grace period of a second: with none, it would disappear while it still writes."""
    fake.objects.pods_end_slowly = True
    scheduler = scheduler_for(fake)
    scheduler.submit(cluster_job(root))
    pod = statuses.add_pod(fake, statuses.add_child_job(fake))
    statuses.run_pod(fake, pod)
    scheduler.cancel(NAME)
    assert not any(pod in path for _, path in fake.requests)
    scheduler.cancel(NAME, kill=True)
    method, path = next(one for one in fake.requests if pod in one[1])
    assert method == "DELETE"
    assert "gracePeriodSeconds=1" in path
    fake.objects.end_pod(NAMESPACE, pod)
    assert fake.objects.everything() == []
