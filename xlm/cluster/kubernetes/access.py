"""Credentials for a Kubernetes cluster, and the client that uses them.

    access = connect(settings)
    access.client, access.namespace

They come from the kubeconfig (a token, a certificate, or the program that it names), or from the
service account of the pod that this process runs in. They stay inside the client.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from xlm.cluster.kubernetes.refusals import one_line
from xlm.config.launcher.kubernetes import KubernetesConfig
from xlm.errors import ConfigError

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

_UNREADABLE = (OSError, ValueError, TypeError, AttributeError, LookupError, RuntimeError)
"""What the package raises for a file with another structure, and Python for an unknown ~user."""
_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True)
class Access:
    """A client of one API server, and the namespace of our jobs."""

    client: "ApiClient"
    namespace: str


def connect(settings: KubernetesConfig) -> Access:
    """Read the credentials; sends no request.

    Raises:
        ConfigError: the package is missing, or there are no credentials.
    """
    try:
        # Takes a quarter of a second, and only jobs on Kubernetes need it.
        from kubernetes import client, config
        from kubernetes.config.config_exception import ConfigException
    except ImportError as error:
        raise ConfigError(
            f"launcher.kind is kubernetes, but the package of its API is missing ({error})",
            fix="install it: pip install 'xlm-pipeline[kubernetes]'",
        ) from error
    configuration = client.Configuration()
    try:
        namespace = _load(config, configuration, settings)
    except (*_UNREADABLE, ConfigException, yaml.YAMLError) as error:
        where = settings.kubeconfig or "$KUBECONFIG or ~/.kube/config"
        raise ConfigError(
            f"no credentials for a Kubernetes cluster in {where}: {one_line(error, 200)}",
            fix="check `kubectl config get-contexts`, launcher.kubernetes.kubeconfig and "
            "launcher.kubernetes.context",
        ) from error
    # Our own retries know which answers mean that a request may be sent again.
    configuration.retries = False
    return Access(client.ApiClient(configuration), settings.namespace or namespace)


def _load(config: Any, configuration: Any, settings: KubernetesConfig) -> str:
    """Fill the configuration of the client; returns the namespace of the credentials."""
    path, context = settings.kubeconfig, settings.context
    path = str(Path(path).expanduser()) if path else None
    try:
        contexts, active = config.list_kube_config_contexts(path)
        config.load_kube_config(path, context=context, client_configuration=configuration)
    except config.ConfigException:
        if path or context:
            raise
        # In a pod, there is no kubeconfig.
        try:
            config.load_incluster_config(configuration)
        except config.ConfigException:
            pass
        else:
            return _POD_NAMESPACE.read_text(encoding="utf-8").strip()
        raise
    chosen = next((one for one in contexts if one["name"] == context), active)
    return str(chosen["context"].get("namespace") or "default")
