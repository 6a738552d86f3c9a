"""Settings of the machine, which are not part of a run: store, workers, segmenters, credentials.

This module reads all environment variables of the project:

* XLM_ROOT, XLM_WORKERS: the store and the number of worker processes;
* XLM_REMOTE: the URL of the store that several machines share;
* AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT: whether its server is named by http://
  (obstore itself reads these and all other variables of clouds);
* XLM_STANFORD_SEGMENTER, XLM_PKUSEG_MODEL, XLM_KYTEA: paths of segmenters;
* KYTEA_MODEL: a variable of KyTea, the path of its model;
* XLM_CREDENTIALS, NETRC: credentials of servers;
* OPENLINEAGE_URL, OPENLINEAGE_CONFIG, OPENLINEAGE__TRANSPORT__*, OPENLINEAGE_NAMESPACE: whether a
  run sends OpenLineage events, and under which namespace (its client reads all other variables);
* XLM_CONNECTIONS: folder of the locks that limit connections to servers;
* HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, in either case (NO_PROXY is read by the HTTP client).
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from xlm.errors import ConfigError

DEFAULT_ROOT = "./data"
CREDENTIALS = "XLM_CREDENTIALS"
"""URLs with user:password@ or secret parameters, separated by spaces."""

_SEGMENTER_PATHS = {
    "stanford": "XLM_STANFORD_SEGMENTER",
    "pkuseg": "XLM_PKUSEG_MODEL",
    "kytea": "XLM_KYTEA",
}


@dataclass(frozen=True)
class MachineSettings:
    """Settings of this machine; they do not change the key of any artifact."""

    root: str = DEFAULT_ROOT
    workers: int = 1

    @classmethod
    def from_environment(cls, root: str | None = None, workers: int | None = None) -> Self:
        """Use the arguments, else XLM_ROOT and XLM_WORKERS, else ./data and all cores.

        Raises:
            ConfigError: the number of workers is not a positive integer, or `root` is blank.
        """
        if root is not None and not root.strip():
            raise ConfigError("--root is blank", fix="name a folder, or remove the option")
        chosen = root or os.environ.get("XLM_ROOT") or DEFAULT_ROOT
        given = workers if workers is not None else os.environ.get("XLM_WORKERS") or None
        if given is None:
            return cls(chosen, len(os.sched_getaffinity(0)))
        text = str(given)
        if not (text.isascii() and text.isdecimal() and len(text) < 10) or int(text) < 1:
            raise ConfigError(
                f"XLM_WORKERS={given!r} is not a positive whole number", fix="set it to 1 or more"
            )
        return cls(chosen, int(given))


def remote_url() -> str | None:
    """The URL of the remote store for runs and commands that name none."""
    return os.environ.get("XLM_REMOTE", "").strip() or None


def uses_plain_http() -> bool:
    """Whether the environment names a server of an object store by an address with http://."""
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    address = next((os.environ[name] for name in names if os.environ.get(name)), "")
    return address.lower().startswith("http://")


def segmenter_path(name: str) -> str | None:
    """Path of a segmenter from the environment; keys contain its contents, not the path."""
    variable = _SEGMENTER_PATHS.get(name)
    return (os.environ.get(variable) or None) if variable else None


def segmenter_variables() -> dict[str, str]:
    """The variables of segmenters that are set, for worker processes of other machines."""
    names = (*_SEGMENTER_PATHS.values(), "KYTEA_MODEL")
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def kytea_model() -> str | None:
    """Path of the model that KyTea uses, or None for its default."""
    return os.environ.get("KYTEA_MODEL") or None


def credentials() -> str:
    """The URLs with secrets of this process."""
    return os.environ.get(CREDENTIALS, "")


def add_credentials(entry: str) -> None:
    """Add a URL with secrets for this process and the processes that it starts."""
    known = credentials().split()
    if entry not in known:
        # The newest comes first and has priority: the user has just typed it.
        os.environ[CREDENTIALS] = " ".join([entry, *known])


def netrc_file() -> tuple[str, bool]:
    """Path of the netrc file, and whether the environment names it."""
    named = os.environ.get("NETRC")
    return (named, True) if named else (str(Path("~/.netrc").expanduser()), False)


def connections_folder() -> str | None:
    """The folder of the locks that limit connections, if the environment names one."""
    return os.environ.get("XLM_CONNECTIONS") or None


def proxy_variables() -> dict[str, str]:
    """The proxy variables that are set, with their values."""
    names = [f"{kind}_proxy" for kind in ("http", "https", "all")]
    both = [*(name.upper() for name in names), *names]
    return {name: os.environ[name] for name in both if os.environ.get(name)}


def configures_openlineage() -> bool:
    """Whether the environment says where OpenLineage events are sent."""
    names = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG")
    return any(
        value and (name in names or name.startswith("OPENLINEAGE__TRANSPORT"))
        for name, value in os.environ.items()
    )


def openlineage_namespace() -> str:
    """The namespace of the jobs in OpenLineage events."""
    return os.environ.get("OPENLINEAGE_NAMESPACE", "").strip() or "xlm-pipeline"
