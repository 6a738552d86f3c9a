"""The object that Dask's operator turns into a scheduler and workers (kubernetes.dask.org/v1).

Image, volume and security are those of training jobs (launcher.kubernetes).
"""

from pathlib import Path
from typing import Any

from xlm.cluster.kubernetes.pod import mount_path, pod_security, without_empty
from xlm.config.compute import DaskConfig
from xlm.config.launcher.kubernetes import KubernetesConfig
from xlm.errors import ConfigError

Document = dict[str, Any]

_PORT = 8786


def require_settings(settings: KubernetesConfig) -> None:
    """Refuse settings that no worker can be started with.

    Raises:
        ConfigError: the image or the volume of the store is missing, or a setting would be ignored.
    """
    for name, value in (("image", settings.image), ("claim", settings.claim)):
        if not value:
            raise ConfigError(
                f"compute.dask.cluster is kubernetes, but launcher.kubernetes.{name} is not set",
                fix=f"set launcher.kubernetes.{name}",
            )
    for name, value in (("context", settings.context), ("kubeconfig", settings.kubeconfig)):
        if value is not None:
            raise ConfigError(
                f"launcher.kubernetes.{name} is set, which compute.dask.cluster kubernetes ignores",
                fix="remove it; set the variable KUBECONFIG to a file with this current context",
            )


def cluster_spec(
    settings: DaskConfig, kubernetes: KubernetesConfig, root: Path, name: str
) -> Document:
    """The DaskCluster: a scheduler, its service, and a group of workers that mount the store.

    Raises:
        ClusterError: the store is not on the volume, or no volume can be there.
    """
    scheduler = [kubernetes.python, "-m", "distributed.cli.dask_scheduler", "--no-dashboard"]
    worker = [
        *(kubernetes.python, "-m", "distributed.cli.dask_worker", "--no-dashboard", "--no-nanny"),
        # The operator sets both variables.
        *("--name", "$(DASK_WORKER_NAME)", "$(DASK_SCHEDULER_ADDRESS)"),
        *("--nthreads", str(settings.threads)),
    ]
    resources = {
        "requests": {"cpu": str(settings.threads), "memory": _quantity(settings.memory)},
        "limits": {"memory": _quantity(settings.memory)},
    }
    selector = {"dask.org/cluster-name": name, "dask.org/component": "scheduler"}
    probe = {"tcpSocket": {"port": "tcp-comm"}, "periodSeconds": 5}
    return {
        "apiVersion": "kubernetes.dask.org/v1",
        "kind": "DaskCluster",
        "metadata": {"name": name},
        "spec": {
            "worker": {
                "replicas": settings.workers,
                "spec": _pod(kubernetes, root, "worker", worker, {"resources": resources}),
            },
            "scheduler": {
                "spec": _pod(
                    kubernetes, root, "scheduler", scheduler,
                    {
                        "ports": [{"name": "tcp-comm", "containerPort": _PORT, "protocol": "TCP"}],
                        "readinessProbe": probe,
                    },
                ),
                "service": {
                    "type": "ClusterIP",
                    "selector": selector,
                    "ports": [
                        {
                            "name": "tcp-comm",
                            "protocol": "TCP",
                            "port": _PORT,
                            "targetPort": "tcp-comm",
                        }
                    ],
                },
            },
        },
    }  # fmt: skip


def _pod(
    settings: KubernetesConfig, root: Path, name: str, command: list[str], more: Document
) -> Document:
    store = without_empty(
        {
            "name": "store",
            # Items name files by their paths here.
            "mountPath": str(mount_path([root], settings)),
            "subPath": settings.claim_path,
        }
    )
    container = {
        "name": name,
        "image": settings.image,
        "imagePullPolicy": settings.image_pull_policy,
        "command": command,
        "envFrom": [
            *({"secretRef": {"name": one}} for one in settings.env_from_secrets),
            *({"configMapRef": {"name": one}} for one in settings.env_from_config_maps),
        ],
        "volumeMounts": [store, {"name": "temporary", "mountPath": "/tmp"}],
        **more,
    }
    return without_empty(
        {
            "automountServiceAccountToken": False,
            "securityContext": pod_security(settings),
            "containers": [without_empty(container)],
            "volumes": [
                {"name": "store", "persistentVolumeClaim": {"claimName": settings.claim}},
                {"name": "temporary", "emptyDir": {}},
            ],
            "serviceAccountName": settings.service_account,
            "priorityClassName": settings.priority_class,
            "nodeSelector": dict(settings.node_selector),
            "tolerations": [one.model_dump(exclude_none=True) for one in settings.tolerations],
            "imagePullSecrets": [{"name": one} for one in settings.image_pull_secrets],
        }
    )


def _quantity(memory: str) -> str:
    """An amount of memory of Dask, such as 16GiB or 16G, as Kubernetes writes it."""
    return memory.removesuffix("B")
