"""`xlm sources ls`: what a run downloads, its origin and licence, and whether it is here."""

import json

from xlm.cli.output import printable, show, terminal_width
from xlm.cli.request import print_warnings
from xlm.config.environment import MachineSettings
from xlm.display.markdown import ABSENT, format_integer, format_size
from xlm.display.text_table import text_table
from xlm.pipeline.latest import dated
from xlm.pipeline.request import RunRequest
from xlm.report.downloads import PlannedDownload, own_files, planned_downloads
from xlm.store.store import ArtifactStore

_HEADER = ("download", "corpus", "version", "pairs", "size", "here", "licence", "citation", "URL")
_RIGHT = (3, 4)


def list_sources(request: RunRequest, root: str | None, as_json: bool) -> None:
    """Print one line (or JSON object) for each download and each local file of a run."""
    settings = MachineSettings.from_environment(root)
    store = ArtifactStore.open(settings.root, write=False)
    request = dated(request, settings.root, record=False)
    config = request.resolve()
    found = [*planned_downloads(request, store), *own_files(config)]
    print_warnings(config)
    if as_json:
        show(json.dumps([_as_json(one) for one in found], indent=1, ensure_ascii=False))
        return
    left = [column for column in range(len(_HEADER)) if column not in _RIGHT]
    show(text_table(_HEADER, map(_cells, found), width=terminal_width(), left=left))
    show(f"\n{_summary(found)}")


def _cells(one: PlannedDownload) -> tuple[str, ...]:
    download = one.download
    size = format_size(one.size_bytes)
    if one.size_bytes is None:
        size = "unknown"
    elif not one.size_is_exact:
        size = f"{download.size_is} {size}"
    cells = (
        download.id,
        download.corpus,
        download.version or ABSENT,
        format_integer(download.pairs),
        size,
        one.place,
        download.licence,
        download.citation or ABSENT,
        download.url,
    )
    return tuple(map(printable, cells))


def _summary(found: list[PlannedDownload]) -> str:
    missing = [one for one in found if one.place == "no"]
    noun = "source" if len(found) == 1 else "sources"
    here = f"{len(found)} {noun}, {len(found) - len(missing)} here"
    if found and all(one.place == "synthetic" for one in found):
        return f"{len(found)} files, which the sample world makes; nothing is downloaded"
    if not missing:
        return here
    known = sum(one.size_bytes or 0 for one in missing)
    unknown = sum(one.size_bytes is None for one in missing)
    more = f" and {unknown} of unknown size" if unknown else ""
    return f"{here}; to download: {format_size(known)}{more}"


def _as_json(one: PlannedDownload) -> dict[str, object]:
    download = one.download
    return {
        "id": download.id,
        "corpus": download.corpus,
        "version": download.version or None,
        "url": download.url,
        "size_bytes": one.size_bytes,
        "size_is": "exact" if one.size_is_exact else download.size_is,
        "pairs": download.pairs,
        "licence": download.licence,
        "citation": download.citation or None,
        "here": one.place,
        "sha256": one.stored.sha256 if one.stored else None,
        "date": one.stored.date if one.stored else None,
    }
