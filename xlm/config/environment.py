"""What belongs to a machine and not to a run: the store's root, worker processes.

The only module that reads the environment: XLM_ROOT, XLM_WORKERS; XLM_STANFORD_SEGMENTER,
XLM_PKUSEG_MODEL and XLM_KYTEA, where segmenters lie; KYTEA_MODEL, which is KyTea's own;
XLM_CREDENTIALS and NETRC, for hosts that ask for a password; the usual variables for proxies.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from xlm.errors import ConfigError

DEFAULT_ROOT = "./data"
CREDENTIALS = "XLM_CREDENTIALS"
"""URLs with user:password@ or with secret parameters, separated by spaces."""

_SEGMENTER_PATHS = {
    "stanford": "XLM_STANFORD_SEGMENTER",
    "pkuseg": "XLM_PKUSEG_MODEL",
    "kytea": "XLM_KYTEA",
}


@dataclass(frozen=True)
class MachineSettings:
    """Settings of this machine; none of them changes an artifact's key."""

    root: str = DEFAULT_ROOT
    workers: int = 1

    @classmethod
    def from_environment(cls, root: str | None = None, workers: int | None = None) -> Self:
        """Explicit values first, then XLM_ROOT and XLM_WORKERS, then ./data and all cores.

        Raises:
            ConfigError: the number of workers is not a positive integer, or the root is blank.
        """
        if root is not None and not root.strip():
            raise ConfigError("--root is blank", fix="name a folder, or drop the option")
        chosen = root or os.environ.get("XLM_ROOT") or DEFAULT_ROOT
        asked = workers if workers is not None else os.environ.get("XLM_WORKERS") or None
        if asked is None:
            return cls(chosen, len(os.sched_getaffinity(0)))
        text = str(asked)
        if not (text.isascii() and text.isdecimal() and len(text) < 10) or int(text) < 1:
            raise ConfigError(f"XLM_WORKERS={asked!r}", fix="give a whole number from 1 up")
        return cls(chosen, int(asked))


def segmenter_path(name: str) -> str | None:
    """Where the environment says that a segmenter lies: its contents are in keys, no path is."""
    variable = _SEGMENTER_PATHS.get(name)
    return (os.environ.get(variable) or None) if variable else None


def kytea_model() -> str | None:
    """The model that KyTea is told to take."""
    return os.environ.get("KYTEA_MODEL") or None


def credentials() -> str:
    """The URLs with secrets that this process knows."""
    return os.environ.get(CREDENTIALS, "")


def add_credentials(entry: str) -> None:
    """Let this process, and those that it starts, know one more URL with secrets."""
    known = credentials().split()
    if entry not in known:
        # The newest first: it is what the user typed now.
        os.environ[CREDENTIALS] = " ".join([entry, *known])


def netrc_file() -> tuple[str, bool]:
    """The netrc file, and whether the environment names it."""
    named = os.environ.get("NETRC")
    return (named, True) if named else (str(Path("~/.netrc").expanduser()), False)


def proxy_variables() -> dict[str, str]:
    """The variables that name proxies, as far as they are set."""
    names = [f"{kind}_proxy" for kind in ("http", "https", "all")]
    both = [*(name.upper() for name in names), *names]
    return {name: os.environ[name] for name in both if os.environ.get(name)}
