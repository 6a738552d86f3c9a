"""Settings of jobs on Kubernetes.

    launcher:
      kind: kubernetes
      kubernetes: {image: "registry.example/xlm-pipeline:1.2", claim: store, memory: 64Gi}

Values of secrets have no place here: name a Secret, and Kubernetes passes it to the pods.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from xlm.config.launcher.kubernetes_values import (
    LARGEST,
    MOST_PODS,
    AbsolutePath,
    Annotations,
    Cores,
    ExtendedResource,
    Image,
    Key,
    LabelValue,
    Line,
    Memory,
    Name,
    Namespace,
    NumberId,
    QueueName,
    RelativePath,
    SecretKey,
    Variable,
)
from xlm.engine.config import Config


class Toleration(Config):
    """A taint of nodes that the pods accept."""

    key: Key | None = Field(None, description="Key of the taint; null: any.")
    operator: Literal["Equal", "Exists"] = Field("Equal", description="How `value` is compared.")
    value: LabelValue | None = Field(None, description="Value of the taint.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        None, description="Effect of the taint; null: all."
    )

    @model_validator(mode="after")
    def _require_what_kubernetes_accepts(self) -> Self:
        if self.key is None and self.operator != "Exists":
            raise ValueError("a toleration without a key needs operator: Exists")
        if self.operator == "Exists" and self.value:
            raise ValueError("operator: Exists takes no value")
        return self


class KubernetesConfig(Config):
    """How jobs are created in a Kubernetes cluster."""

    nodes: int = Field(
        1, ge=1, le=MOST_PODS, description="Pods of a job; its processes are spread over them."
    )
    context: str | None = Field(None, description="Context of the kubeconfig; null: its current.")
    kubeconfig: str | None = Field(
        None, description="Path of the kubeconfig; null: $KUBECONFIG, ~/.kube/config, or the pod's."
    )
    credentials_seconds: float = Field(
        60, gt=0, description="Time limit of the program in the kubeconfig that logs in, seconds."
    )
    namespace: Namespace | None = Field(None, description="Namespace; null: that of the context.")
    workload: Literal["auto", "jobset", "job"] = Field(
        "auto", description="Kind of object; auto: a JobSet where the cluster has it, else a Job."
    )
    max_restarts: int = Field(
        3,
        ge=0,
        le=LARGEST,
        description="Restarts by Kubernetes after failures; interruptions do not count.",
    )
    active_deadline_seconds: int | None = Field(
        None,
        ge=1,
        le=LARGEST,
        description="Time limit of one start; the job is then started again.",
    )
    ttl_seconds: int | None = Field(
        604_800, ge=0, le=LARGEST, description="When a finished job is deleted; null: never."
    )

    image: Image = Field("", description="Image of the pods, with a tag or a digest.")
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = Field(
        None, description="When the image is pulled; null: the cluster's default."
    )
    image_pull_secrets: tuple[Name, ...] = Field(
        (), description="Secrets with the credentials of the image's registry."
    )
    python: Line = Field("python", min_length=1, description="Python of the image.")

    claim: Name | None = Field(None, description="PersistentVolumeClaim that holds the store.")
    claim_path: RelativePath | None = Field(
        None, description="Folder of the volume to mount; null: its root."
    )
    mount_path: AbsolutePath | None = Field(
        None, description="Where the volume is mounted; null: at the path of the store here."
    )
    shared_memory: Memory = Field("1Gi", description="Size of /dev/shm; counts as memory.")

    cpu: Cores | None = Field(None, description="CPU cores of a pod; null: one per thread.")
    memory: Memory | None = Field(None, description="Memory of a pod: its request and limit.")
    gpu_resource: ExtendedResource = Field("nvidia.com/gpu", description="Resource name of GPUs.")
    node_selector: dict[Key, LabelValue] = Field({}, description="Labels that nodes must have.")
    tolerations: tuple[Toleration, ...] = Field((), description="Taints that the pods accept.")
    queue: QueueName | None = Field(None, description="Kueue's LocalQueue; null: no queue.")
    priority_class: Name | None = Field(None, description="PriorityClass of the pods.")
    annotations: Annotations = Field({}, description="Annotations of the pods.")

    service_account: Name | None = Field(
        None, description="ServiceAccount of the pods; they get no token of it."
    )
    run_as_user: NumberId | None = Field(
        None, description="User id of the processes; null: the image's, which is not root."
    )
    run_as_group: NumberId | None = Field(None, description="Group id of the processes.")
    fs_group: NumberId | None = Field(None, description="Group id that owns the volume's files.")
    env_from_secrets: tuple[Name, ...] = Field(
        (), description="Secrets whose keys become environment variables."
    )
    env_from_config_maps: tuple[Name, ...] = Field(
        (), description="ConfigMaps whose keys become environment variables."
    )
    secret_env: dict[Variable, SecretKey] = Field(
        {}, description="Environment variables from Secrets: {VARIABLE: secret/key}."
    )
