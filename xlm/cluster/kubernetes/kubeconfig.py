"""A kubeconfig, read with the package `kubernetes`; its credential program gets a time limit.

    namespace = load_kubeconfig(path, None, configuration, seconds=60)

The package calls our `_load_from_exec_plugin` at the start, and again when a token has expired.
"""

from typing import TYPE_CHECKING, Any, cast

from xlm.cluster.kubernetes.credential_program import run_credential_program
from xlm.errors import ConfigError, UnreachableClusterError

if TYPE_CHECKING:
    from kubernetes.client import Configuration


def load_kubeconfig(
    path: str | None, context: str | None, configuration: "Configuration", *, seconds: float
) -> str:
    """Fill the configuration of a client; returns the namespace of the context, or "default".

    Raises:
        ConfigError: there is no token or certificate, or `seconds` were not enough to get it.
        ConfigException: of the package; the file is missing, or invalid.
    """
    from kubernetes.config import KUBE_CONFIG_DEFAULT_LOCATION, ConfigException, kube_config

    package = cast(Any, kube_config)  # it has no types
    merged = package.KubeConfigMerger(path or KUBE_CONFIG_DEFAULT_LOCATION)
    if merged.config is None:
        raise ConfigException("there is no such file")
    loader = _loader_class(seconds)(
        config_dict=merged.config,
        active_context=context,
        config_base_path=None,
        config_persister=merged.save_changes,
        get_google_credentials=_refuse_removed_plugin,
    )
    loader.load_and_set(configuration)
    return str(loader.current_context["context"].get("namespace") or "default")


def _loader_class(seconds: float) -> Any:
    """The package's reader of a kubeconfig with our way to run the credential program."""
    from kubernetes.config import kube_config

    package = cast(Any, kube_config)

    def file_with(content: str) -> str:
        data = {"pem": content}
        file = package.FileOrData(data, "", data_key_name="pem", base64_file_content=False)
        return str(file.as_file())

    class Loader(kube_config.KubeConfigLoader):
        def _load_from_exec_plugin(self: Any) -> bool | None:
            """Whether the kubeconfig has a program.

            The package's way has no limit. It only logs an error, and then asks the server without
            credentials.
            """
            if "exec" not in self._user:
                return None
            try:
                printed = run_credential_program(
                    self._user["exec"].value,
                    folder=self._get_base_path(self._user.path),
                    cluster=self._cluster.value,
                    seconds=seconds,
                )
            except ConfigError as error:
                if "expiry" not in vars(self):
                    raise
                # A token that cannot be refreshed is an outage: the job goes on, and the watch
                # asks again, perhaps after a new login.
                raise UnreachableClusterError(error.what, fix=error.fix) from error
            if printed.token:
                self.token = f"Bearer {printed.token}"
            if printed.certificate and printed.key:
                self.cert_file = file_with(printed.certificate)
                self.key_file = file_with(printed.key)
            vars(self).pop("expiry", None)
            if printed.expires:
                self.expiry = printed.expires
            return True

    return Loader


def _refuse_removed_plugin() -> None:
    raise ConfigError(
        "the kubeconfig has the auth-provider gcp, which kubectl has removed in version 1.26",
        fix="`gcloud container clusters get-credentials` writes the kubeconfig again",
    )
