"""`xlm sources fetch`: fill a mirror with all files that a run downloads."""

import json
import logging
import shlex
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from xlm.cli.output import one_line, printable, show
from xlm.cli.sources.transfer_progress import TransferProgress
from xlm.config.data.downloads import Spec, spec_of
from xlm.config.environment import MachineSettings
from xlm.config.pipeline import PipelineConfig
from xlm.corpus.http.client import DownloadClient
from xlm.corpus.http.download.fetcher import Fetcher
from xlm.corpus.http.mirror import folder_of, mirror_path
from xlm.corpus.sources.lock import read_lock
from xlm.corpus.sources.mirror_copy import MirrorCopy, MirroredFile, part_path
from xlm.corpus.sources.mirrors import ask_mirrors
from xlm.corpus.sources.resolve import resolve_download
from xlm.display.markdown import format_size
from xlm.errors import ConfigError, PipelineError, StoreError, XlmError
from xlm.pipeline.costs.sources import EXACT_ORIGINS, source_size
from xlm.pipeline.costs.space import free_space
from xlm.pipeline.latest import dated
from xlm.pipeline.request import RunRequest
from xlm.stages.data.download import DOWNLOAD
from xlm.store.store import ArtifactStore

log = logging.getLogger(__name__)


@dataclass
class _Copied:
    """The downloads of a mirror, and those that failed."""

    files: dict[str, MirroredFile]
    failures: dict[str, str]


def fetch_sources(request: RunRequest, to: Path, root: str | None, as_json: bool) -> None:
    """Copy every download to `<to>/<host>/<path>`; a failure does not stop the others.

    Raises:
        ConfigError: the profile downloads nothing.
        PipelineError: some downloads failed.
    """
    request = _without_target(request, to)
    config = dated(request, MachineSettings.from_environment(root).root).resolve()
    if config.sample is not None or not DOWNLOAD.units(config):
        raise ConfigError(
            f"profile {request.profile} downloads nothing", fix="name a profile with downloads"
        )
    _require_space(config, to, root)
    copied = _copy(config, to, root, quiet=as_json)
    files = copied.files.values()
    if as_json:
        rows = [
            {"id": name, "url": one.url, "size_bytes": one.size_bytes, "new": one.is_new}
            for name, one in copied.files.items()
        ]
        show(json.dumps({"mirror": str(to), "files": rows, "failed": copied.failures}, indent=1))
    elif not copied.failures:
        new, total = sum(one.is_new for one in files), sum(one.size_bytes for one in files)
        show(f"{to}: {len(files)} files, {format_size(total)}; {new} copied now")
        show(f"Use it with --set sources.mirror={shlex.quote(str(to))}.")
    if copied.failures:
        raise PipelineError(
            f"{len(copied.failures)} of {len(copied.failures) + len(files)} downloads failed: "
            f"{', '.join(copied.failures)}",
            fix="run the command again to continue",
        )


def _without_target(request: RunRequest, to: Path) -> RunRequest:
    """Return the request without the mirror to fill: its files come from the others."""
    mirrors = request.resolve().sources.all_mirrors
    others = [one for one in mirrors if not _is_target(one, to)]
    if len(others) == len(mirrors):
        return request
    changes = ("sources.mirror=null", f"sources.mirrors={json.dumps(others)}")
    return request.model_copy(update={"overrides": (*request.overrides, *changes)})


def _require_space(config: PipelineConfig, to: Path, root: str | None) -> None:
    """Compare what is missing with the free space, before the first byte.

    Raises:
        StoreError: it does not fit, by sizes that are exact; by other sizes, it is a warning.
    """
    store = ArtifactStore.open(MachineSettings.from_environment(root).root, write=False)
    exact_bytes = all_bytes = 0
    with store.tool_cache() as cache:
        for unit in DOWNLOAD.units(config):
            # The copy reports what cannot be looked up, and goes on with the others.
            with suppress(XlmError):
                size = source_size(config, unit, cache)
                url = resolve_download(config.sources, unit, cache, config.table).url
                path = mirror_path(str(to), url)
                if path and path.exists():
                    continue
                part = part_path(to, unit)
                arrived_bytes = part.stat().st_size if part.is_file() else 0
                missing_bytes = max(0, size.size_bytes - arrived_bytes)
                all_bytes += missing_bytes
                exact_bytes += missing_bytes if size.origin in EXACT_ORIGINS else 0
    free_bytes = free_space(to.absolute())
    is_sure = exact_bytes > free_bytes
    what = (
        f"the files need {'' if is_sure else 'about '}"
        f"{format_size(exact_bytes if is_sure else all_bytes)} on the disk of {to}, which has "
        f"{format_size(free_bytes)} free"
    )
    if is_sure:
        raise StoreError(what, fix="free some space, or choose another folder")
    if all_bytes > free_bytes:
        log.warning("%s", what)


def _copy(config: PipelineConfig, to: Path, root: str | None, *, quiet: bool) -> _Copied:
    copied = _Copied({}, {})
    network = config.sources.network
    store = ArtifactStore.open(MachineSettings.from_environment(root).root, write=False)
    with store.tool_cache() as cache:
        copy = MirrorCopy(to, cache)
        for unit in DOWNLOAD.units(config):
            spec = spec_of(config.sources, unit, config.table)
            progress = TransferProgress()
            try:
                ask = partial(_add, copy, unit, spec, progress, config)
                file = ask_mirrors(unit, config.sources.all_mirrors, network, ask).result
            except XlmError as error:
                progress.end()
                copied.failures[unit] = str(error)
                sys.stderr.write(f"xlm: {unit}: {one_line(str(error))}\n")
                continue
            progress.end()
            copied.files[unit] = file
            if not quiet:
                state = "copied" if file.is_new else "present"
                show(printable(f"{unit}  {format_size(file.size_bytes)}  {state}"))
        copy.close()
    return copied


def _add(
    copy: MirrorCopy,
    unit: str,
    spec: Spec,
    progress: TransferProgress,
    config: PipelineConfig,
    client: DownloadClient,
    mirror: str | None,
) -> MirroredFile:
    fetcher = Fetcher(client, config.sources.network, progress=progress)
    lock_path = Path(config.sources.lock or "")
    lock = read_lock(lock_path) if config.sources.lock else None
    return copy.add(unit, spec, fetcher, lock, lock_path)


def _is_target(mirror: str, to: Path) -> bool:
    """Whether the profile already reads the mirror that is to be filled."""
    folder = folder_of(mirror)
    return folder is not None and folder.resolve() == to.resolve()
