"""Checks of the objects that the settings name: volume, accounts, secrets, queue.

yield from check_objects(settings, job, access)

Of Secrets and ConfigMaps only the metadata are requested: no value of a secret comes here.
"""

from collections.abc import Iterator, Sequence

from xlm.cluster.checks.check import Check, caught
from xlm.cluster.job import ClusterJob
from xlm.cluster.kubernetes.access import Access
from xlm.cluster.kubernetes.questions import Questions
from xlm.config.launcher.kubernetes import KubernetesConfig

_KUEUE = "kueue.x-k8s.io"


class _Metadata(Questions):
    """Receives only the metadata of objects."""

    accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


def check_objects(settings: KubernetesConfig, job: ClusterJob, access: Access) -> Iterator[Check]:
    """Check that what the settings name exists."""
    questions, metadata = Questions(access), _Metadata(access)
    yield from caught("volume", _claim(settings, job, questions))
    secrets = [
        *settings.image_pull_secrets,
        *settings.env_from_secrets,
        *(one.partition("/")[0] for one in settings.secret_env.values()),
    ]
    accounts = [settings.service_account] if settings.service_account else []
    for name, plural, wanted, setting in (
        ("service account", "serviceaccounts", accounts, "service_account"),
        ("secrets", "secrets", secrets, "image_pull_secrets, env_from_secrets or secret_env"),
        ("config maps", "configmaps", settings.env_from_config_maps, "env_from_config_maps"),
    ):
        found = _existence(name, plural, list(dict.fromkeys(wanted)), setting, metadata)
        yield from caught(name, found)
    if settings.priority_class:
        yield from caught("priority class", _priority_class(settings.priority_class, questions))
    if settings.queue:
        yield from caught("queue", _queue(settings.queue, questions))


def _claim(settings: KubernetesConfig, job: ClusterJob, questions: Questions) -> Iterator[Check]:
    name, namespace = settings.claim, questions.namespace
    path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}"
    claim, is_allowed = questions.look(path, "get persistentvolumeclaims")
    if not is_allowed:
        yield _unknown("volume", "persistentvolumeclaims", [str(name)], namespace)
        return
    if claim is None:
        yield Check.failed(
            "volume",
            f"there is no PersistentVolumeClaim {name} in namespace {namespace}",
            "apply infra/kubernetes/training/store.yaml, or set launcher.kubernetes.claim",
        )
        return
    status, modes = claim.get("status") or {}, (claim.get("spec") or {}).get("accessModes") or []
    phase = status.get("phase", "unknown")
    size = (status.get("capacity") or {}).get("storage", "unknown size")
    see = f"see `kubectl describe pvc {name} -n {namespace}`"
    if phase == "Pending":
        yield Check.warning("volume", f"{name} is not bound yet: {phase}", f"{see}: its class may "
                            "wait for the first pod")  # fmt: skip
    elif phase != "Bound":
        yield Check.failed("volume", f"{name} is {phase}", see)
    elif not {"ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"} & set(modes):
        yield Check.failed("volume", f"{name} is read-only ({', '.join(modes)})", _MODES)
    elif "ReadWriteMany" not in modes:
        found = f"{name} is bound, but only one node can mount it ({', '.join(modes)})"
        make = Check.failed if job.nodes > 1 else Check.warning
        yield make("volume", found, _MODES)
    else:
        yield Check.ok("volume", f"{name} is bound, {size}, {', '.join(modes)}")


_MODES = "use a claim with the access mode ReadWriteMany, such as NFS: this machine mounts it too"


def _existence(
    name: str, plural: str, wanted: Sequence[str], setting: str, metadata: Questions
) -> Iterator[Check]:
    if not wanted:
        return
    namespace, missing, unknown = metadata.namespace, [], []
    for one in wanted:
        path = f"/api/v1/namespaces/{namespace}/{plural}/{one}"
        found, is_allowed = metadata.look(path, f"get {plural}")
        if not is_allowed:
            unknown.append(one)
        elif found is None:
            missing.append(one)
    if missing:
        yield Check.failed(
            name,
            f"missing in namespace {namespace}: {', '.join(missing)}",
            f"create them, or correct launcher.kubernetes.{setting}",
        )
    elif unknown:
        yield _unknown(name, plural, unknown, namespace)
    else:
        yield Check.ok(name, ", ".join(wanted))


def _unknown(name: str, plural: str, wanted: Sequence[str], namespace: str) -> Check:
    words = " ".join(wanted)
    return Check.warning(
        name,
        f"not allowed to look for {', '.join(wanted)}",
        f"ask somebody who may: kubectl get {plural} {words} -n {namespace}",
    )


def _priority_class(wanted: str, questions: Questions) -> Iterator[Check]:
    path = f"/apis/scheduling.k8s.io/v1/priorityclasses/{wanted}"
    found, is_allowed = questions.look(path, "get priorityclasses")
    if not is_allowed:
        yield Check.warning(
            "priority class",
            f"not allowed to look for {wanted}",
            f"ask somebody who may: kubectl get priorityclass {wanted}",
        )
    elif found is None:
        yield Check.failed(
            "priority class",
            f"there is no PriorityClass {wanted}",
            "correct launcher.kubernetes.priority_class",
        )
    else:
        yield Check.ok("priority class", wanted)


def _queue(wanted: str, questions: Questions) -> Iterator[Check]:
    group = questions.read(f"/apis/{_KUEUE}", "look for Kueue")
    if group is None:
        yield Check.failed(
            "queue", "the cluster has no Kueue", "install it, or unset launcher.kubernetes.queue"
        )
        return
    version = (group.get("preferredVersion") or {}).get("groupVersion", f"{_KUEUE}/v1beta1")
    namespace = questions.namespace
    path = f"/apis/{version}/namespaces/{namespace}/localqueues/{wanted}"
    found, is_allowed = questions.look(path, "get localqueues")
    if not is_allowed:
        yield _unknown("queue", "localqueues", [wanted], namespace)
    elif found is None:
        yield Check.failed(
            "queue",
            f"there is no LocalQueue {wanted} in namespace {namespace}",
            "correct launcher.kubernetes.queue; `kubectl get localqueues` lists them",
        )
    else:
        conditions = (found.get("status") or {}).get("conditions") or []
        active = next((one for one in conditions if one.get("type") == "Active"), None)
        if active is not None and active.get("status") != "True":
            yield Check.warning(
                "queue",
                f"{wanted} is not active: {active.get('message', '')}",
                "see its ClusterQueue: `kubectl describe localqueue`",
            )
        else:
            yield Check.ok("queue", wanted)
