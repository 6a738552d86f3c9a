"""The attempts of a job, with all that belongs to each: objects, child Jobs and pods."""

from collections.abc import Sequence
from typing import Any

from xlm.cluster.kubernetes import names
from xlm.cluster.kubernetes.api import JOBS, JOBSETS, PODS, ClusterApi
from xlm.cluster.kubernetes.pods import Pod, read_pod
from xlm.cluster.kubernetes.status import Workload

Document = dict[str, Any]


def list_workloads(api: ClusterApi, job: str, *, with_jobsets: bool) -> list[Workload]:
    """The attempts of a job, the oldest first.

    Pods without an object are an attempt too: `kubectl delete` removes the object at once, while
    its pods still save their state.
    """
    selector = names.selector(job)
    # First: a pod of this list without an object in the next one has lost it.
    pods = sorted(map(read_pod, api.find(PODS, selector)), key=lambda pod: pod.created_at)
    jobs = api.find(JOBS, selector)
    found = [
        Workload(kind=JOBS, body=body, jobs=[body], pods=_of(pods, body))
        for body in jobs
        if not names.label_of(body, names.JOBSET)
    ]
    for body in api.find(JOBSETS, selector) if with_jobsets else []:
        name = names.name_of(body)
        children = [one for one in jobs if names.label_of(one, names.JOBSET) == name]
        found.append(Workload(kind=JOBSETS, body=body, jobs=children, pods=_of(pods, body)))
    known = {workload.name for workload in found}
    lost = {pod.attempt: pod for pod in pods if pod.attempt not in known and not pod.has_ended}
    found += [_deleted(pod, pods) for pod in lost.values()]
    return sorted(found, key=lambda one: names.attempt_number(one.name))


def _of(pods: Sequence[Pod], body: Document) -> list[Pod]:
    name = names.name_of(body)
    return [pod for pod in pods if pod.attempt == name]


def _deleted(pod: Pod, pods: Sequence[Pod]) -> Workload:
    """What is left of a deleted object whose pods still end."""
    metadata = {"name": pod.attempt, "deletionTimestamp": ""}
    kind = JOBSETS if pod.job_id.startswith("jobset/") else JOBS
    body = {"metadata": metadata, "spec": {}}
    return Workload(kind=kind, body=body, jobs=[], pods=_of(pods, body))
