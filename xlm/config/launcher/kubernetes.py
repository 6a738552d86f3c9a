"""Settings of jobs on Kubernetes."""

from pydantic import Field

from xlm.engine.config import Config


class KubernetesConfig(Config):
    """How jobs are created in a Kubernetes cluster."""

    nodes: int = Field(1, ge=1, description="Pods of a job; its processes are spread over them.")
    namespace: str | None = Field(None, description="Namespace; null: that of the context.")
    image: str = Field("", description="Image of the pods, with a tag or a digest.")
