"""Replaces `sources.wikipedia.date=latest` by a date, which later runs of the store use too.

    request = dated(request, root)    # with the override sources.wikipedia.date=20261101

    <root>/pins/dumps.wikimedia.org/latest.json   {"date": "20261101", "found": "2026-11-28", ...}

The date is the newest one at which the dumps of all languages of the run are finished. It is looked
up once. A newer dump changes nothing until the user deletes the file.
"""

import json
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError

from xlm.config.data.corpora import LATEST
from xlm.config.data.downloads import DUMPS_URL
from xlm.config.pipeline import PipelineConfig, text_languages
from xlm.corpus.http.client import DownloadClient
from xlm.corpus.http.download.fetcher import Fetcher
from xlm.corpus.sources.mirrors import ask_mirrors
from xlm.corpus.wikipedia.dump import newest_finished
from xlm.errors import ServerError, SourceError, StoreError
from xlm.pipeline.request import RunRequest
from xlm.store.disk.filesystem import read_small, write_atomically
from xlm.store.disk.locks import build_lock
from xlm.store.disk.root import resolve_root

log = logging.getLogger(__name__)


class LatestDate(BaseModel):
    """The date that `latest` stands for in a store."""

    date: str = Field(pattern=r"^\d{8}$")
    found: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    """The day on which it was looked up, YYYY-MM-DD."""
    wikis: list[str]
    """The Wikipedias whose dumps of that date were finished."""


def dated(request: RunRequest, root: str | Path, *, record: bool = True) -> RunRequest:
    """Return the request with the date that `latest` stands for; the same if it names a date.

    Args:
        root: root of the store, which records the date.
        record: whether to record a date that is looked up now.

    Raises:
        SourceError: the server cannot be asked, or no date has all dumps.
        StoreError: the record is damaged.
    """
    config = request.resolve()
    wikis = _wikis(config)
    if config.sources.wikipedia is None or config.sources.wikipedia.date != LATEST or not wikis:
        return request
    store = Path(resolve_root(str(root), write=record))
    name = "latest-mirror.json" if config.sources.all_mirrors else "latest.json"
    path = store / "pins" / (urlsplit(DUMPS_URL).hostname or "") / name
    found = _read(path)
    if found is None and not record:
        found = _look_up(config, wikis)
    if found is None:
        with build_lock(store / "locks", "latest"):
            # Another run may have looked it up meanwhile.
            found = _read(path)
            if found is None:
                found = _look_up(config, wikis)
                write_atomically(path, found.model_dump_json(indent=1).encode())
    if path.exists():
        log.warning(
            "sources.wikipedia.date: latest is %s, as found on %s; to look for a newer dump, "
            "delete %s",
            found.date,
            found.found,
            path,
        )
    overrides = (*request.overrides, f"sources.wikipedia.date={json.dumps(found.date)}")
    return request.model_copy(update={"overrides": overrides})


def _wikis(config: PipelineConfig) -> tuple[str, ...]:
    codes = config.sources.wikipedias(text_languages(config), config.table)
    return tuple(f"{config.table[code].wiki}wiki" for code in codes)


def _read(path: Path) -> LatestDate | None:
    with suppress(FileNotFoundError):
        try:
            return LatestDate.model_validate_json(read_small(path))
        except (ValidationError, OSError) as fault:
            if isinstance(fault, FileNotFoundError):
                raise
            raise StoreError(
                f"{path}: not a valid record of a date", fix="delete it to look up the newest dump"
            ) from fault
    return None


def _look_up(config: PipelineConfig, wikis: Sequence[str]) -> LatestDate:
    network = config.sources.network

    def ask(client: DownloadClient, mirror: str | None) -> str:
        return newest_finished(Fetcher(client, network), wikis)

    try:
        date = ask_mirrors("the newest dump", config.sources.all_mirrors, network, ask).result
    except SourceError as fault:
        raise type(fault)(
            "sources.wikipedia.date=latest: the newest dump date cannot be looked up: "
            f"{fault.what}",
            fix="set sources.wikipedia.date=YYYYMMDD, or run again with a network"
            if isinstance(fault, ServerError)
            else fault.fix,
        ) from fault
    return LatestDate(date=date, found=f"{datetime.now(UTC):%Y-%m-%d}", wikis=list(wikis))
