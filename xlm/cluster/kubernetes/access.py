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

from xlm.cluster.kubernetes.kubeconfig import load_kubeconfig
from xlm.cluster.kubernetes.refusals import one_line
from xlm.config.launcher.kubernetes import KubernetesConfig
from xlm.config.launcher.kubernetes_values import is_namespace
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
    """Read the credentials; sends no request to the server.

    Raises:
        ConfigError: the package is missing, there are no credentials, the program that gets them
            failed or ran too long, or the namespace is invalid.
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
    where = settings.kubeconfig or "$KUBECONFIG or ~/.kube/config"
    try:
        namespace = _load(config, configuration, settings)
    except (*_UNREADABLE, ConfigException, yaml.YAMLError) as error:
        raise ConfigError(
            f"no credentials for a Kubernetes cluster in {where}: {one_line(error, 200)}",
            fix="check `kubectl config get-contexts`, launcher.kubernetes.kubeconfig and "
            "launcher.kubernetes.context",
        ) from error
    # Our own retries know which answers mean that a request may be sent again.
    configuration.retries = False
    namespace = settings.namespace or _require_label(namespace, where)
    return Access(client.ApiClient(configuration), namespace)


def _load(config: Any, configuration: Any, settings: KubernetesConfig) -> str:
    """Fill the configuration of the client; returns the namespace of the credentials."""
    path, context = settings.kubeconfig, settings.context
    path = str(Path(path).expanduser()) if path else None
    seconds = settings.credentials_seconds
    try:
        return load_kubeconfig(path, context, configuration, seconds=seconds)
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


def _require_label(namespace: str, where: str) -> str:
    """The namespace, which becomes a part of URLs."""
    if not is_namespace(namespace):
        raise ConfigError(
            f"the namespace {one_line(repr(namespace), 100)} of {where} is not a name of at most "
            "63 characters of a-z, 0-9 and -",
            fix="correct it with `kubectl config set-context --current --namespace=NAME`, or set "
            "launcher.kubernetes.namespace",
        )
    return namespace
