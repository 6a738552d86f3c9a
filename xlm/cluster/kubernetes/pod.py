"""The template of a job's pods.

Each pod runs our agent, which starts the processes of its node. The store is mounted at the same
path as here, so paths in job files mean the same everywhere.
"""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from xlm.cluster.job import ClusterJob
from xlm.cluster.kubernetes import names
from xlm.config.launcher.kubernetes import KubernetesConfig
from xlm.config.launcher.kubernetes_values import is_free_path
from xlm.errors import ClusterError

MAIN_PORT: Final = 29500
_AGENT = "xlm.cluster.agent"
_INDEX = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
_GRACE_SECONDS = 30
"""Time to end after the state is saved, before Kubernetes kills the pod."""

Document = dict[str, Any]


def pod_template(
    job: ClusterJob,
    settings: KubernetesConfig,
    *,
    attempt: str,
    job_id: str,
    main_address: str,
) -> Document:
    """The template of the pods of an attempt.

    Args:
        job_id: as `find` reports it.
        main_address: host name of pod 0, as the other pods resolve it.

    Raises:
        ClusterError: a folder of the job is not on the volume, or no volume can be there.
    """
    metadata: Document = {"labels": {**names.labels(job.name), names.ATTEMPT: attempt}}
    if settings.annotations:
        metadata["annotations"] = dict(settings.annotations)
    spec = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": math.ceil(job.save_seconds) + _GRACE_SECONDS,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        # Process 1 would ignore SIGTERM until its handler is set, and would have to reap orphans.
        "shareProcessNamespace": True,
        "securityContext": pod_security(settings),
        "containers": [_container(job, settings, job_id, main_address)],
        "volumes": [
            {"name": "store", "persistentVolumeClaim": {"claimName": settings.claim}},
            {
                "name": "shared-memory",
                "emptyDir": {"medium": "Memory", "sizeLimit": settings.shared_memory},
            },
            {"name": "temporary", "emptyDir": {}},
        ],
        "serviceAccountName": settings.service_account,
        "priorityClassName": settings.priority_class,
        "nodeSelector": dict(settings.node_selector),
        "tolerations": [one.model_dump(exclude_none=True) for one in settings.tolerations],
        "imagePullSecrets": [{"name": name} for name in settings.image_pull_secrets],
    }
    return {"metadata": metadata, "spec": without_empty(spec)}


def without_empty(fields: Mapping[str, Any]) -> Document:
    """The fields that are set."""
    return {name: value for name, value in fields.items() if value not in (None, [], {}, "")}


def pod_security(settings: KubernetesConfig) -> Document:
    """The rights of all processes of a pod."""
    return without_empty(
        {
            "runAsNonRoot": True,
            "runAsUser": settings.run_as_user,
            "runAsGroup": settings.run_as_group,
            "fsGroup": settings.fs_group,
            # Without this, Kubernetes changes the owner of every file of the store at each start.
            "fsGroupChangePolicy": "OnRootMismatch" if settings.fs_group else None,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
    )


def _container(
    job: ClusterJob, settings: KubernetesConfig, job_id: str, main_address: str
) -> Document:
    path = str(mount_path((*job.folders, job.directory), settings))
    store = without_empty({"name": "store", "mountPath": path, "subPath": settings.claim_path})
    fields = {
        "name": names.CONTAINER,
        "image": settings.image,
        "imagePullPolicy": settings.image_pull_policy,
        "command": [settings.python, "-P", "-m", _AGENT, str(job.record)],
        "env": _environment(settings, job_id, main_address),
        "envFrom": [
            *({"secretRef": {"name": name}} for name in settings.env_from_secrets),
            *({"configMapRef": {"name": name}} for name in settings.env_from_config_maps),
        ],
        "resources": _resources(job, settings),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        # The last lines of a failed pod become part of its status, and of our messages.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            store,
            {"name": "shared-memory", "mountPath": "/dev/shm"},
            {"name": "temporary", "mountPath": "/tmp"},
        ],
    }
    return without_empty(fields)


def mount_path(folders: Sequence[Path], settings: KubernetesConfig) -> Path:
    """Where the volume is mounted: by default at the folder that contains all others, the store.

    Raises:
        ClusterError: a folder is not on the volume, or no volume can be there.
    """
    if settings.mount_path is None:
        common = os.path.commonpath(folders)
        if ":" in common or not is_free_path(common):
            raise ClusterError(
                f"pods cannot mount a volume at {common}, the path of the store",
                fix="use a store in another folder, without a colon in its path, or set "
                "launcher.kubernetes.mount_path to a folder that contains it",
            )
        return Path(common)
    mount = Path(settings.mount_path)
    for folder in folders:
        if not folder.is_relative_to(mount):
            raise ClusterError(
                f"launcher.kubernetes.mount_path is {mount}, which does not contain {folder}",
                fix="mount the volume of the store at the same path here and in the pods",
            )
    return mount


def _environment(settings: KubernetesConfig, job_id: str, main_address: str) -> list[Document]:
    # Those of the processes are in the record of the job.
    values = {
        # Libraries keep files in the home folder, and ask for the name of a user without one.
        "HOME": "/tmp",
        "USER": "xlm",
        names.JOB_ID: job_id,
        "XLM_MAIN_ADDRESS": main_address,
        "XLM_MAIN_PORT": str(MAIN_PORT),
    }
    variables: list[Document] = [
        {"name": "XLM_NODE_RANK", "valueFrom": {"fieldRef": {"fieldPath": _INDEX}}},
        *({"name": name, "value": value} for name, value in values.items()),
    ]
    for variable, reference in settings.secret_env.items():
        secret, _, key = reference.partition("/")
        source = {"secretKeyRef": {"name": secret, "key": key}}
        variables.append({"name": variable, "valueFrom": source})
    return variables


def _resources(job: ClusterJob, settings: KubernetesConfig) -> Document:
    limits: Document = {}
    if settings.memory:
        limits["memory"] = settings.memory
    if job.uses_gpu:
        limits[settings.gpu_resource] = str(job.processes_per_node)
    cores = settings.cpu or str(job.processes_per_node * job.threads_per_process)
    # A limit of the CPU would slow down the processes in bursts; a request is enough.
    return without_empty({"requests": {"cpu": cores, **limits}, "limits": limits})
