"""Checks of a Kubernetes cluster that create nothing.

for check in check_kubernetes(settings, job): ...
"""

from collections.abc import Iterator
from typing import Any

from xlm.cluster.checks.check import Check, caught
from xlm.cluster.job import ClusterJob
from xlm.cluster.kubernetes.access import Access, connect
from xlm.cluster.kubernetes.api import JOBS, JOBSETS, SERVICES, Kind
from xlm.cluster.kubernetes.check_objects import check_objects
from xlm.cluster.kubernetes.manifests import Manifests
from xlm.cluster.kubernetes.names import attempt_name
from xlm.cluster.kubernetes.questions import Questions
from xlm.cluster.kubernetes.scheduler import KubernetesScheduler
from xlm.config.launcher.kubernetes import KubernetesConfig
from xlm.errors import ClusterError

_PAGE = "docs/how-to/train-on-kubernetes.md"
VERBS: dict[tuple[str, str], tuple[str, ...]] = {
    ("jobset.x-k8s.io", "jobsets"): ("create", "get", "list", "delete"),
    ("batch", "jobs"): ("create", "get", "list", "delete"),
    ("", "services"): ("create", "patch", "list", "delete"),
    ("", "pods"): ("list", "watch", "delete"),
    ("", "pods/log"): ("get",),
    ("", "events"): ("list",),
}
"""What the scheduler asks for, by group and resource; the same as infra/kubernetes/training."""
_OPTIONAL = ("list events", "watch pods", "get pods/log")
"""Without them, messages do not say why a job waits, and `xlm launch logs` does not work."""


def check_kubernetes(settings: KubernetesConfig, job: ClusterJob) -> Iterator[Check]:
    """Look at credentials, the API server, permissions, and whether it would accept the job."""
    KubernetesScheduler(settings)  # refuses settings that are incomplete
    found = list(caught("credentials", _credentials(settings)))
    yield from found
    if any(check.has_failed for check in found):
        return
    access = connect(settings)
    questions = Questions(access)
    server = list(caught("API server", _server(questions)))
    yield from server
    if any(check.has_failed for check in server):
        return
    # Each of these is of use without the others.
    has_jobsets = False
    try:
        has_jobsets = questions.has(JOBSETS)
        yield _workload(settings, has_jobsets)
    except ClusterError as error:
        yield Check.failed("workload", error.what, error.fix)
    yield from caught("namespace", _namespace(questions))
    yield from caught("permissions", _permissions(questions, has_jobsets))
    yield from check_objects(settings, job, access)
    uses_jobsets = has_jobsets and settings.workload != "job"
    yield from caught("creation", _creation(questions, settings, job, uses_jobsets))


def _credentials(settings: KubernetesConfig) -> Iterator[Check]:
    access: Access = connect(settings)
    context = f"context {settings.context}" if settings.context else "the current context"
    yield Check.ok(
        "credentials",
        f"{context}, server {access.client.configuration.host}, namespace {access.namespace}",
    )


def _server(questions: Questions) -> Iterator[Check]:
    version = questions.read("/version", "tell its version") or {}
    yield Check.ok("API server", f"Kubernetes {version.get('gitVersion', 'of unknown version')}")


def _workload(settings: KubernetesConfig, has_jobsets: bool) -> Check:
    if settings.workload == "jobset" and not has_jobsets:
        return Check.failed(
            "workload",
            "launcher.kubernetes.workload is jobset, but the cluster has no JobSet v1alpha2",
            "install JobSet, or set launcher.kubernetes.workload to auto",
        )
    if has_jobsets and settings.workload != "job":
        return Check.ok("workload", "the cluster has JobSet v1alpha2: a job is a JobSet")
    reason = "launcher.kubernetes.workload is job" if has_jobsets else "the cluster has no JobSet"
    return Check.ok("workload", f"{reason}: a job is an indexed Job")


def _namespace(questions: Questions) -> Iterator[Check]:
    name = questions.namespace
    found, is_allowed = questions.look(f"/api/v1/namespaces/{name}", "get namespaces")
    # Without the permission, `creation` says whether it exists.
    if is_allowed and found is None:
        yield Check.failed(
            "namespace",
            f"there is no namespace {name}",
            f"kubectl create namespace {name}, or set launcher.kubernetes.namespace",
        )
    elif found is not None and (found.get("status") or {}).get("phase") == "Terminating":
        yield Check.failed(
            "namespace", f"namespace {name} is being deleted", "create it again when it is gone"
        )
    elif found is not None:
        yield Check.ok("namespace", name)


def _permissions(questions: Questions, has_jobsets: bool) -> Iterator[Check]:
    missing: list[str] = []
    optional: list[str] = []
    allowed = 0
    for (group, resource), verbs in VERBS.items():
        if resource == "jobsets" and not has_jobsets:
            continue
        for verb in verbs:
            if questions.may(verb, group, resource):
                allowed += 1
            else:
                action = f"{verb} {resource}"
                (optional if action in _OPTIONAL else missing).append(action)
    fix = f"apply infra/kubernetes/training/role.yaml, and add yourself to its subjects ({_PAGE})"
    where = f"in namespace {questions.namespace}"
    if missing:
        found = f"not allowed {where}: {', '.join([*missing, *optional])}"
        yield Check.failed("permissions", found, fix)
    elif optional:
        words = f"not allowed {where}: {', '.join(optional)}"
        found = f"{words}, which only messages and `xlm launch logs` need"
        yield Check.warning("permissions", found, fix)
    else:
        yield Check.ok("permissions", f"all {allowed} that a job needs {where}")


def _creation(
    questions: Questions, settings: KubernetesConfig, job: ClusterJob, uses_jobsets: bool
) -> Iterator[Check]:
    """What the API server says to the real manifest, which it does not store."""
    manifests, attempt = Manifests(settings), attempt_name(job.name, 1)
    documents: list[tuple[Kind, dict[str, Any]]] = []
    if uses_jobsets:
        documents.append((JOBSETS, manifests.jobset(job, attempt)))
    else:
        if job.nodes > 1:
            documents.append((SERVICES, manifests.service(job, attempt)))
        documents.append((JOBS, manifests.indexed_job(job, attempt)))
    for kind, body in documents:
        try:
            questions.pretend_to_create(kind, body)
        except ClusterError as error:
            if kind != JOBSETS or "unknown field" not in error.what:
                raise
            # JobSet before 0.10.
            questions.pretend_to_create(kind, manifests.jobset(job, attempt, patterns=False))
    kinds = " and ".join(kind.plural for kind, _ in documents)
    yield Check.ok("creation", f"the API server would accept the {kinds} (dry run)")
