"""Asks one mirror after the other for a file, until one of them serves it.

    served = ask_mirrors("corpus.zip", ("/media/disk", "https://mirror.example"), network, ask)
    served.result, served.mirror

The next mirror is asked if one cannot be reached, lacks the file, or serves other bytes than the
checksum says. A full disk or a missing password stays what it is at another mirror.
"""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from xlm.config.data.sources import NetworkConfig
from xlm.corpus.http.client import DownloadClient, open_client
from xlm.corpus.http.mirror import folder_of, mirror_path
from xlm.errors import AccessError, ChecksumError, ServerError, SourceError
from xlm.redaction import redact
from xlm.store.integrity.presence import is_present

log = logging.getLogger(__name__)

_URL = re.compile(r"^https?://\S+: ")

ResultT = TypeVar("ResultT")

Ask = Callable[[DownloadClient, str | None], ResultT]
"""Downloads with an open client; receives the mirror, None for the servers themselves."""


@dataclass(frozen=True)
class Served(Generic[ResultT]):
    """The answer of the first mirror that had one."""

    result: ResultT
    mirror: str
    """The mirror, without secrets; empty: the servers themselves."""


def ask_mirrors(
    name: str, mirrors: Sequence[str], network: NetworkConfig, ask: Ask[ResultT]
) -> Served[ResultT]:
    """Ask the mirrors in their order; without mirrors, ask the servers themselves.

    Args:
        name: the file, for messages.

    Raises:
        SourceError: no mirror serves the file; the message has the reason of each.
        ServerError: the same, and a later attempt may help.
        ChecksumError: all of them serve other bytes.
        AccessError: a mirror requires user and password.
        ConfigError: the only mirror is a folder that does not exist, or a proxy is not usable.
    """
    if len(mirrors) < 2:
        mirror = mirrors[0] if mirrors else None
        with open_client(mirror, network) as client:
            return Served(ask(client, mirror), redact(mirror or ""))
    failures: dict[str, SourceError] = {}
    for mirror in mirrors:
        try:
            _require_folder(mirror)
            with open_client(mirror, network) as client:
                return Served(ask(client, mirror), redact(mirror))
        except AccessError:
            raise
        except SourceError as error:
            failures[mirror] = error
            if len(failures) < len(mirrors):
                shown = redact(mirror)
                log.warning("%s: %s: %s; trying the next mirror", name, shown, _reason(error))
    raise _all_failed(name, failures)


def _require_folder(mirror: str) -> None:
    folder = folder_of(mirror)
    if folder is not None and not folder.is_dir():
        raise SourceError("there is no such folder", fix="mount it, or remove it from the mirrors")


def _reason(error: SourceError) -> str:
    return _URL.sub("", error.what)


def _all_failed(name: str, failures: Mapping[str, SourceError]) -> SourceError:
    reasons = "; ".join(f"{mirror}: {_reason(error)}" for mirror, error in failures.items())
    what = f"{name}: no mirror of {len(failures)} serves it: {reasons}"
    errors = list(failures.values())
    if any(isinstance(error, ServerError) for error in errors):
        return ServerError(what, fix="run again later, or add a mirror (sources.mirrors)")
    if all(isinstance(error, ChecksumError) for error in errors):
        return ChecksumError(what, fix=errors[-1].fix)
    return SourceError(what, fix="check the mirrors, or add another one (sources.mirrors)")


def present_in_folder(mirrors: Sequence[str], url: str) -> Path | None:
    """The file of a URL in a folder that a run would ask first; None if it asks a server before."""
    for mirror in mirrors:
        if folder_of(mirror) is None:
            return None
        if (path := _present(mirror, url)) is not None:
            return path
    return None


def _present(folder: str, url: str) -> Path | None:
    path = mirror_path(folder, url)
    with suppress(OSError):  # a folder that cannot be read serves nothing
        if path is not None and is_present(path):
            return path
    return None


def changed_in_mirrors(mirrors: Sequence[str], manifest: Mapping[str, Any]) -> str | None:
    """Why a download is out of date: folders have its file, and none in the recorded size.

    None if any mirror is a URL: its server may have sent the recorded file.
    """
    recorded = manifest.get("counts", {}).get("host_bytes")
    if recorded is None or any(folder_of(mirror) is None for mirror in mirrors):
        return None
    for source in manifest.get("sources", ()):
        paths = [_present(mirror, source["address"]) for mirror in mirrors]
        present = {path: path.stat().st_size for path in paths if path is not None}
        if present and recorded not in present.values():
            path, size_bytes = next(iter(present.items()))
            return f"{path.name} in the mirror now has {size_bytes:,} bytes, not {recorded:,}"
    return None
