"""Jobs are created once, whatever happens to requests and answers."""

import threading
from pathlib import Path

import pytest

from tests.cluster.kubernetes import statuses
from tests.cluster.kubernetes.conftest import NAME, MakeScheduler, cluster_job
from tests.cluster.kubernetes.fake_api.faults import Drop, Refuse
from tests.cluster.kubernetes.fake_api.server import NAMESPACE, FakeApi
from xlm.cluster.job import JobState
from xlm.cluster.kubernetes.scheduler import KubernetesScheduler
from xlm.errors import ClusterError, ConfigError, UnreachableClusterError


def _workloads(fake: FakeApi) -> list[str]:
    plural = statuses.plural_of(fake)
    return [name for kind, _, name in fake.objects.everything() if kind == plural]


def test_a_job_is_created_and_found(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    scheduler = scheduler_for(fake)
    assert scheduler.find(NAME) == []
    kind = statuses.plural_of(fake).removesuffix("s")
    assert scheduler.submit(cluster_job(root)) == f"{kind}/{NAME}-a1"
    (seen,) = scheduler.find(NAME)
    assert (seen.job_id, seen.state) == (f"{kind}/{NAME}-a1", JobState.PENDING)
    assert scheduler.find("xlm-pretrain-of-somebody-else") == []


def test_a_living_job_is_the_answer_to_its_submission(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    first = scheduler_for(fake).submit(cluster_job(root))
    assert scheduler_for(fake).submit(cluster_job(root)) == first
    assert _workloads(fake) == [f"{NAME}-a1"]


@pytest.mark.parametrize("nodes", [1, 2])
@pytest.mark.parametrize("is_carried_out", [True, False])
def test_a_lost_answer_does_not_double_the_job(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path, is_carried_out: bool, nodes: int
) -> None:
    fake.faults.add(f"POST {statuses.plural_of(fake)}", Drop(after=is_carried_out))
    if not fake.has_jobsets:
        fake.faults.add("POST services", *[Drop(after=is_carried_out)] * (nodes > 1))
    job_id = scheduler_for(fake).submit(cluster_job(root, nodes=nodes))
    assert job_id.endswith(f"/{NAME}-a1")
    assert _workloads(fake) == [f"{NAME}-a1"]
    assert fake.faults.left == 0


def test_a_job_is_found_after_its_submitter_has_seen_no_answer(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    scheduler = scheduler_for(fake, patience_seconds=0)
    plural = statuses.plural_of(fake)
    fake.faults.add(f"POST {plural}", Drop(after=True))
    with pytest.raises(UnreachableClusterError, match=f"did not create {plural}"):
        scheduler.submit(cluster_job(root))
    assert [seen.job_id for seen in scheduler.find(NAME)] == [
        scheduler_for(fake).submit(cluster_job(root))
    ]
    assert _workloads(fake) == [f"{NAME}-a1"]


def test_two_submitters_at_once_create_one_job(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    barrier = threading.Barrier(8, timeout=60)
    ids: list[str] = []

    def submit(scheduler: KubernetesScheduler) -> None:
        assert scheduler.find(NAME) == []
        barrier.wait()
        ids.append(scheduler.submit(cluster_job(root, nodes=2)))

    schedulers = [scheduler_for(fake) for _ in range(8)]
    threads = [threading.Thread(target=submit, args=(one,)) for one in schedulers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1
    assert _workloads(fake) == [f"{NAME}-a1"]


def test_a_job_that_has_ended_gets_a_new_attempt(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    scheduler = scheduler_for(fake)
    scheduler.submit(cluster_job(root))
    child = statuses.add_child_job(fake)
    statuses.fail_attempt(fake, child, "BackoffLimitExceeded", "too many failures")
    assert scheduler.submit(cluster_job(root)).endswith(f"/{NAME}-a2")
    assert [seen.state for seen in scheduler.find(NAME)] == [JobState.FAILED, JobState.PENDING]


def test_a_job_that_is_being_deleted_still_lives(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    """A second job would write the same checkpoints as the processes that still end."""
    fake.objects.pods_end_slowly = True
    scheduler = scheduler_for(fake)
    first = scheduler.submit(cluster_job(root))
    pod = statuses.add_pod(fake, statuses.add_child_job(fake))
    statuses.run_pod(fake, pod)
    scheduler.cancel(NAME)
    assert scheduler.submit(cluster_job(root)) == first
    assert [seen.state for seen in scheduler.find(NAME)] == [JobState.RUNNING]
    fake.objects.end_pod(NAMESPACE, pod)
    assert scheduler_for(fake).find(NAME) == []


def test_the_pods_of_a_job_with_two_nodes_find_each_other(
    plain_fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    scheduler = scheduler_for(plain_fake)
    scheduler.submit(cluster_job(root, nodes=2))
    job = statuses.attempt(plain_fake)
    service = plain_fake.objects.get("services", NAMESPACE, f"{NAME}-a1")
    assert service is not None
    assert service["spec"]["clusterIP"] == "None"
    pod = job["spec"]["template"]
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert pod["spec"]["subdomain"] == f"{NAME}-a1"
    assert [one["uid"] for one in service["metadata"]["ownerReferences"]] == [
        job["metadata"]["uid"]
    ]


def test_a_submitter_that_was_killed_is_completed_by_the_next(
    plain_fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    """Without an owner, the Service would outlive its Job."""
    scheduler = scheduler_for(plain_fake, patience_seconds=0)
    plain_fake.faults.add("PATCH services", Drop())
    with pytest.raises(UnreachableClusterError):
        scheduler.submit(cluster_job(root, nodes=2))
    scheduler_for(plain_fake).submit(cluster_job(root, nodes=2))
    service = plain_fake.objects.get("services", NAMESPACE, f"{NAME}-a1")
    assert service is not None
    assert len(service["metadata"]["ownerReferences"]) == 1


def test_an_older_jobset_gets_rules_that_it_knows(
    jobset_fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    """It would drop the patterns, and the rule for exit code 75 would match exit code 3 too."""
    jobset_fake.unknown_fields = {"onJobFailureMessagePatterns", "restartStrategy"}
    scheduler_for(jobset_fake).submit(cluster_job(root))
    policy = statuses.attempt(jobset_fake)["spec"]["failurePolicy"]
    assert policy == {
        "maxRestarts": 3,
        "rules": [
            {
                "name": "cannotGoOn",
                "action": "FailJobSet",
                "onJobFailureReasons": ["PodFailurePolicy"],
            }
        ],
    }


def test_an_object_of_somebody_else_is_not_taken_for_ours(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    body = {"kind": "Other", "metadata": {"name": f"{NAME}-a1"}}
    fake.objects.create(statuses.plural_of(fake), NAMESPACE, body)
    with pytest.raises(ClusterError, match=r"without our labels; delete it: kubectl delete"):
        scheduler_for(fake).submit(cluster_job(root))


def test_the_kind_of_object_can_be_chosen(
    jobset_fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    scheduler = scheduler_for(jobset_fake, workload="job")
    assert scheduler.submit(cluster_job(root)) == f"job/{NAME}-a1"
    # Another machine with another setting does not start it twice.
    assert scheduler_for(jobset_fake).submit(cluster_job(root)) == f"job/{NAME}-a1"


def test_a_missing_jobset_is_reported_if_it_was_asked_for(
    plain_fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    with pytest.raises(ClusterError, match=r"the cluster has no JobSet v1alpha2; install JobSet"):
        scheduler_for(plain_fake, workload="jobset").submit(cluster_job(root))


def test_a_webhook_that_is_down_for_a_moment_is_waited_for(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    refusal = Refuse(500, "failed calling webhook: connection refused", "InternalError")
    fake.faults.add(f"POST {statuses.plural_of(fake)}", refusal, refusal)
    scheduler_for(fake).submit(cluster_job(root))
    assert _workloads(fake) == [f"{NAME}-a1"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"image": ""}, r"launcher\.kubernetes\.image is not set: .*; set it to an image"),
        ({"claim": None}, r"launcher\.kubernetes\.claim is not set: .*; set it to a Persistent"),
    ],
)
def test_missing_settings_are_found_before_any_request(
    plain_fake: FakeApi,
    scheduler_for: MakeScheduler,
    fields: dict[str, str | None],
    message: str,
) -> None:
    with pytest.raises(ConfigError, match=message):
        scheduler_for(plain_fake, **fields)
    assert plain_fake.requests == []


def test_a_volume_that_does_not_contain_the_store_is_refused(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    with pytest.raises(ClusterError, match=r"mount_path is /data, which does not contain .*store;"):
        scheduler_for(fake, mount_path="/data").submit(cluster_job(root))
    assert _workloads(fake) == []
