"""Sets the status of objects of the fake API server, as controllers and kubelets would."""

from typing import Any

from tests.cluster.kubernetes.fake_api.objects import Document, now
from tests.cluster.kubernetes.fake_api.server import NAMESPACE, FakeApi
from xlm.cluster.kubernetes import names

JOBSET_LABEL = names.JOBSET


def plural_of(cluster: FakeApi) -> str:
    """Where jobs are created."""
    return "jobsets" if cluster.has_jobsets else "jobs"


def attempt(cluster: FakeApi, number: int = 1) -> Document:
    """The object of an attempt."""
    items, _ = cluster.objects.list(plural_of(cluster), NAMESPACE)
    return next(one for one in items if names.attempt_number(names.name_of(one)) == number)


def add_child_job(cluster: FakeApi, number: int = 1) -> Document:
    """What the JobSet controller does; a Job has no child."""
    owner = attempt(cluster, number)
    if not cluster.has_jobsets:
        return owner
    template = owner["spec"]["replicatedJobs"][0]["template"]
    body = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"{names.name_of(owner)}-{names.GROUP}-0",
            "labels": {**template["metadata"]["labels"], JOBSET_LABEL: names.name_of(owner)},
            "ownerReferences": [owner_of(owner)],
        },
        "spec": template["spec"],
    }
    return cluster.objects.create("jobs", NAMESPACE, body)


def owner_of(thing: Document) -> Document:
    """A reference to an owner, as controllers write it."""
    fields = {name: thing[name] for name in ("apiVersion", "kind")}
    names_ = {"name": names.name_of(thing), "uid": thing["metadata"]["uid"]}
    return {**fields, **names_, "blockOwnerDeletion": True, "controller": True}


def add_pod(cluster: FakeApi, job: Document, index: int = 0, *, suffix: str = "x") -> str:
    """What the Job controller does; returns the name of the pod."""
    template = job["spec"]["template"]
    name = f"{names.name_of(job)}-{index}-{suffix}"
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": template["metadata"]["labels"],
            "annotations": {"batch.kubernetes.io/job-completion-index": str(index)},
            "ownerReferences": [owner_of(job)],
        },
        "spec": {**template["spec"], "nodeName": f"node-{index}"},
        "status": {"phase": "Pending"},
    }
    cluster.objects.create("pods", NAMESPACE, body)
    return name


def set_pod(cluster: FakeApi, name: str, phase: str, **state: Any) -> None:
    """Set the phase of a pod; `state`: running, waiting, terminated, or conditions, message."""
    with cluster.objects.edit("pods", NAMESPACE, name) as pod:
        status = {"phase": phase}
        for key in ("conditions", "reason", "message"):
            if key in state:
                status[key] = state.pop(key)
        if state:
            status["containerStatuses"] = [{"name": names.CONTAINER, "state": state}]
        pod["status"] = status


def run_pod(cluster: FakeApi, name: str) -> None:
    """The processes of a pod start."""
    set_pod(cluster, name, "Running", running={"startedAt": now()})


def fail_pod(
    cluster: FakeApi, name: str, code: int, *, reason: str = "Error", **state: Any
) -> None:
    """The processes of a pod end with a status."""
    terminated = {"exitCode": code, "reason": reason, "startedAt": now(), "finishedAt": now()}
    if "output" in state:
        terminated["message"] = state.pop("output")
    set_pod(cluster, name, "Failed", terminated=terminated, **state)


DISRUPTED = [{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}]


def end(cluster: FakeApi, plural: str, name: str, condition: str, **fields: str) -> None:
    """A controller is done with an object."""
    with cluster.objects.edit(plural, NAMESPACE, name) as one:
        status = one.setdefault("status", {})
        status.setdefault("conditions", []).append(
            {"type": condition, "status": "True", "lastTransitionTime": now(), **fields}
        )


def fail_attempt(cluster: FakeApi, job: Document, reason: str, message: str) -> None:
    """The Job fails, and with it the JobSet."""
    end(cluster, "jobs", names.name_of(job), "Failed", reason=reason, message=message)
    if cluster.has_jobsets:
        owner = job["metadata"]["labels"][JOBSET_LABEL]
        words = "jobset failed due to one or more job failures"
        end(cluster, "jobsets", owner, "Failed", reason="FailedJobs", message=words)


def complete_attempt(cluster: FakeApi, job: Document) -> None:
    """The Job is done, and with it the JobSet."""
    end(cluster, "jobs", names.name_of(job), "Complete", reason="CompletionsReached", message="")
    if cluster.has_jobsets:
        owner = job["metadata"]["labels"][JOBSET_LABEL]
        end(cluster, "jobsets", owner, "Completed", reason="AllJobsCompleted", message="")
