"""What a user sees of a job, and what its end means: interrupted, failed, out of memory."""

from pathlib import Path

import pytest

from tests.cluster.kubernetes import statuses
from tests.cluster.kubernetes.conftest import NAME, MakeScheduler, cluster_job
from tests.cluster.kubernetes.fake_api.faults import Refuse
from tests.cluster.kubernetes.fake_api.objects import Document
from tests.cluster.kubernetes.fake_api.server import NAMESPACE, FakeApi
from xlm.cluster.job import JobState, SeenJob
from xlm.cluster.kubernetes import names
from xlm.cluster.kubernetes.scheduler import KubernetesScheduler


def _only(scheduler: KubernetesScheduler) -> SeenJob:
    (seen,) = scheduler.find(NAME)
    return seen


def _warn(fake: FakeApi, kind: str, name: str, reason: str, message: str) -> None:
    event = {
        "metadata": {"name": f"{name}.1"},
        "involvedObject": {"kind": kind, "name": name},
        "type": "Warning",
        "reason": reason,
        "message": message,
        "lastTimestamp": "2026-11-29T08:00:00Z",
    }
    fake.objects.create("events", NAMESPACE, event)


def test_a_job_runs_when_all_of_its_pods_run(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    scheduler = scheduler_for(fake)
    scheduler.submit(cluster_job(root, nodes=2))
    assert _only(scheduler).words == "Pending (no pods yet; 0 of 2 pods run)"
    child = statuses.add_child_job(fake)
    pods = [statuses.add_pod(fake, child, index) for index in (1, 0)]
    statuses.run_pod(fake, pods[0])
    seen = _only(scheduler)
    assert seen.state == JobState.PENDING
    assert seen.words == f"Pending ({pods[1]}: Pending; 1 of 2 pods run)"
    statuses.run_pod(fake, pods[1])
    seen = _only(scheduler)
    assert (seen.state, seen.words, seen.nodes) == (JobState.RUNNING, "Running", "node-0,node-1")
    assert seen.started_at is not None


def test_a_job_is_done_when_its_object_says_so(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    scheduler = scheduler_for(fake)
    scheduler.submit(cluster_job(root, nodes=2))
    child = statuses.add_child_job(fake)
    pods = [statuses.add_pod(fake, child, index) for index in (0, 1)]
    statuses.set_pod(fake, pods[0], "Succeeded", terminated={"exitCode": 0})
    statuses.run_pod(fake, pods[1])
    assert _only(scheduler).state == JobState.RUNNING
    statuses.set_pod(fake, pods[1], "Succeeded", terminated={"exitCode": 0})
    assert _only(scheduler).state == JobState.RUNNING
    statuses.complete_attempt(fake, child)
    seen = _only(scheduler)
    assert (seen.state, seen.exit_code) == (JobState.SUCCEEDED, 0)


_WAITS = {
    "image": (
        {"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling "x": not found'}},
        'ImagePullBackOff: Back-off pulling "x": not found',
    ),
    "image name": (
        {"waiting": {"reason": "InvalidImageName", "message": "invalid reference format"}},
        "InvalidImageName: invalid reference format",
    ),
    "secret": (
        {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "s" not found'}},
        'CreateContainerConfigError: secret "s" not found',
    ),
    "no node": (
        {
            "conditions": [
                {
                    "type": "PodScheduled",
                    "status": "False",
                    "reason": "Unschedulable",
                    "message": "0/4 nodes are available: 4 Insufficient nvidia.com/gpu.",
                }
            ]
        },
        "Unschedulable: 0/4 nodes are available: 4 Insufficient nvidia.com/gpu.",
    ),
    "no claim": (
        {
            "conditions": [
                {
                    "type": "PodScheduled",
                    "status": "False",
                    "reason": "Unschedulable",
                    "message": 'persistentvolumeclaim "xlm-store" not found',
                }
            ]
        },
        'Unschedulable: persistentvolumeclaim "xlm-store" not found',
    ),
    "starting": ({"waiting": {"reason": "ContainerCreating"}}, "ContainerCreating"),
}


@pytest.mark.parametrize(("state", "words"), _WAITS.values(), ids=list(_WAITS))
def test_the_reason_to_wait_is_shown(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path, state: Document, words: str
) -> None:
    scheduler = scheduler_for(fake)
    scheduler.submit(cluster_job(root))
    pod = statuses.add_pod(fake, statuses.add_child_job(fake))
    statuses.set_pod(fake, pod, "Pending", **state)
    seen = _only(scheduler)
    assert (seen.state, seen.words) == (JobState.PENDING, f"Pending ({pod}: {words})")


def test_warnings_explain_pods_that_do_not_start_or_are_not_created(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    scheduler = scheduler_for(fake)
    scheduler.submit(cluster_job(root))
    child = statuses.add_child_job(fake)
    refused = 'pods "x" is forbidden: exceeded quota: team, requested: memory=64Gi'
    _warn(fake, "Job", names.name_of(child), "FailedCreate", refused)
    assert _only(scheduler).words == f"Pending (FailedCreate: {refused})"
    pod = statuses.add_pod(fake, child)
    statuses.set_pod(fake, pod, "Pending", waiting={"reason": "ContainerCreating"})
    _warn(fake, "Pod", pod, "FailedMount", "MountVolume.SetUp failed: access denied")
    expected = f"Pending ({pod}: FailedMount: MountVolume.SetUp failed: access denied)"
    assert _only(scheduler).words == expected


def test_hidden_warnings_do_not_hide_the_job(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    scheduler = scheduler_for(fake)
    scheduler.submit(cluster_job(root))
    fake.faults.add("GET events", Refuse(403, "events is forbidden"))
    assert _only(scheduler).state == JobState.PENDING


def test_a_job_in_a_queue_is_pending(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    scheduler = scheduler_for(fake, queue="team-a")
    scheduler.submit(cluster_job(root))
    owner = statuses.attempt(fake)
    assert owner["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "team-a"
    plural = statuses.plural_of(fake)
    with fake.objects.edit(plural, NAMESPACE, names.name_of(owner)) as stored:
        stored["spec"]["suspend"] = True
    seen = _only(scheduler)
    assert (seen.state, seen.words) == (JobState.PENDING, "Suspended in queue team-a")


def _policy(pod: str, code: int) -> str:
    """The message of the Job controller."""
    return (
        f"Container trainer for pod xlm/{pod} failed with exit code {code} matching FailJob rule "
        "at index 1"
    )


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (75, JobState.INTERRUPTED),
        (3, JobState.FAILED),
        (137, JobState.OUT_OF_MEMORY),
    ],
)
@pytest.mark.parametrize("has_pods", [True, False])
def test_the_exit_code_decides_what_the_end_means(
    fake: FakeApi,
    scheduler_for: MakeScheduler,
    root: Path,
    code: int,
    state: JobState,
    has_pods: bool,
) -> None:
    scheduler = scheduler_for(fake)
    scheduler.submit(cluster_job(root))
    child = statuses.add_child_job(fake)
    pod = statuses.add_pod(fake, child)
    statuses.fail_pod(fake, pod, code)
    if not has_pods:
        fake.objects.delete("pods", NAMESPACE, pod, "Background")
    statuses.fail_attempt(fake, child, "PodFailurePolicy", _policy(pod, code))
    seen = _only(scheduler)
    assert (seen.state, seen.exit_code) == (state, code)


def test_a_pod_of_a_group_that_ran_out_of_memory_explains_the_end_of_the_others(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    scheduler = scheduler_for(fake)
    scheduler.submit(cluster_job(root, nodes=2))
    child = statuses.add_child_job(fake)
    lost, killed = (statuses.add_pod(fake, child, index) for index in (0, 1))
    statuses.fail_pod(fake, lost, 1, output="another process did not answer")
    # The kernel may kill a child of the agent, and the pod then ends with the agent's own status.
    statuses.fail_pod(fake, killed, 1, reason="OOMKilled")
    statuses.fail_attempt(fake, child, "BackoffLimitExceeded", "Job has reached the limit")
    seen = _only(scheduler)
    assert (seen.state, seen.words) == (JobState.OUT_OF_MEMORY, f"OOMKilled ({killed})")


@pytest.mark.parametrize("code", [75, 137, 143])
def test_a_preempted_pod_is_an_interruption(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path, code: int
) -> None:
    """137: its processes did not end within the grace period."""
    scheduler = scheduler_for(fake)
    scheduler.submit(cluster_job(root))
    child = statuses.add_child_job(fake)
    pod = statuses.add_pod(fake, child)
    statuses.fail_pod(fake, pod, code, conditions=statuses.DISRUPTED)
    message = f"Pod xlm/{pod} has condition DisruptionTarget matching FailJob rule at index 0"
    statuses.fail_attempt(fake, child, "PodFailurePolicy", message)
    assert _only(scheduler).state == JobState.INTERRUPTED


def test_the_time_limit_is_an_interruption(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    scheduler = scheduler_for(fake, active_deadline_seconds=3600)
    scheduler.submit(cluster_job(root))
    child = statuses.add_child_job(fake)
    assert child["spec"]["activeDeadlineSeconds"] == 3600
    message = "Job was active longer than specified deadline"
    statuses.fail_attempt(fake, child, "DeadlineExceeded", message)
    seen = _only(scheduler)
    assert seen.state == JobState.INTERRUPTED
    assert seen.words == f"Failed (DeadlineExceeded: {message})"


def test_the_last_line_of_a_failed_pod_is_shown(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    """A pod whose image lacks our package writes no log into the store."""
    scheduler = scheduler_for(fake)
    scheduler.submit(cluster_job(root))
    child = statuses.add_child_job(fake)
    pod = statuses.add_pod(fake, child)
    output = "Traceback\n  ...\nModuleNotFoundError: No module named 'xlm'\n"
    statuses.fail_pod(fake, pod, 1, output=output)
    statuses.fail_attempt(fake, child, "BackoffLimitExceeded", "Job has reached the limit")
    seen = _only(scheduler)
    assert (seen.state, seen.exit_code) == (JobState.FAILED, 1)
    assert seen.words == (
        f"Failed (BackoffLimitExceeded: {pod}: exit code 1, Error, "
        "ModuleNotFoundError: No module named 'xlm')"
    )


def test_a_job_that_starts_again_is_pending(
    plain_fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    scheduler = scheduler_for(plain_fake)
    scheduler.submit(cluster_job(root))
    job = statuses.attempt(plain_fake)
    first = statuses.add_pod(plain_fake, job, suffix="a")
    statuses.fail_pod(plain_fake, first, 75)
    second = statuses.add_pod(plain_fake, job, suffix="b")
    seen = _only(scheduler)
    assert (seen.state, seen.restarts) == (JobState.PENDING, 1)
    statuses.run_pod(plain_fake, second)
    assert _only(scheduler).state == JobState.RUNNING


def test_a_jobset_counts_its_restarts(
    jobset_fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    scheduler = scheduler_for(jobset_fake)
    scheduler.submit(cluster_job(root))
    with jobset_fake.objects.edit("jobsets", NAMESPACE, f"{NAME}-a1") as stored:
        stored["status"] = {"restarts": 2, "restartsCountTowardsMax": 0}
    seen = _only(scheduler)
    assert (seen.state, seen.restarts) == (JobState.PENDING, 2)


def test_a_failed_job_lives_while_one_of_its_pods_may_write(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    scheduler = scheduler_for(fake)
    scheduler.submit(cluster_job(root, nodes=2))
    child = statuses.add_child_job(fake)
    failed, ending = (statuses.add_pod(fake, child, index) for index in (0, 1))
    statuses.run_pod(fake, ending)
    statuses.fail_pod(fake, failed, 3)
    statuses.fail_attempt(fake, child, "PodFailurePolicy", _policy(failed, 3))
    seen = _only(scheduler)
    assert seen.state == JobState.RUNNING
    assert seen.words == f"Failed, but still ends: {ending} on node-1"


def test_a_group_that_waits_for_a_pod_of_a_lost_node_says_so(
    jobset_fake: FakeApi, scheduler_for: MakeScheduler, root: Path
) -> None:
    scheduler = scheduler_for(jobset_fake)
    scheduler.submit(cluster_job(root, nodes=2))
    child = statuses.add_child_job(jobset_fake)
    lost = statuses.add_pod(jobset_fake, child, 1)
    statuses.run_pod(jobset_fake, lost)
    jobset_fake.objects.pods_end_slowly = True
    jobset_fake.objects.delete("pods", NAMESPACE, lost, "Background")
    seen = _only(scheduler)
    assert seen.state == JobState.PENDING
    assert seen.words == f"Pending ({lost} still ends on node-1; 1 of 2 pods run)"


@pytest.mark.parametrize("propagation", ["Foreground", "Background"])
def test_a_job_that_somebody_deletes_is_cancelled(
    fake: FakeApi, scheduler_for: MakeScheduler, root: Path, propagation: str
) -> None:
    """Its object disappears; without memory, the job would be submitted again.

    kubectl deletes in the background: then the object disappears before its pods.
    """
    fake.objects.pods_end_slowly = True
    scheduler = scheduler_for(fake)
    job_id = scheduler.submit(cluster_job(root))
    pod = statuses.add_pod(fake, statuses.add_child_job(fake))
    statuses.run_pod(fake, pod)
    plural = statuses.plural_of(fake)
    fake.objects.delete(plural, NAMESPACE, f"{NAME}-a1", propagation)
    seen = _only(scheduler)
    assert seen.state == JobState.RUNNING
    assert seen.words == f"Deleted, but still ends: {pod} on node-0"
    assert scheduler.submit(cluster_job(root)) == job_id
    fake.objects.end_pod(NAMESPACE, pod)
    seen = _only(scheduler)
    assert (seen.job_id, seen.state) == (job_id, JobState.CANCELLED)
    assert seen.words == "deleted by somebody"
    assert scheduler.find(f"{NAME}-other") == []
