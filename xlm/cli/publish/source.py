"""Finds the models that `xlm publish` copies: of a run, an artifact or a folder."""

from pathlib import Path
from typing import NamedTuple

from xlm.errors import StoreError
from xlm.pipeline.run_lookup import find_run, run_label
from xlm.pipeline.run_record import last_run
from xlm.release.targets.publication import Publication, read_publication
from xlm.report.run_results import artifact_of
from xlm.store.store import ArtifactStore
from xlm.store.stored import find_artifact, looks_like_key


class Source(NamedTuple):
    """What is published."""

    title: str
    """In words, for the terminal: `run base`, `publish/4ae1c09b77d01a52`, or a path."""
    public_title: str
    """The same without a path of this machine, for the message of a commit."""
    publication: Publication


def find_publication(
    store: ArtifactStore, source: str | None, *, revisions: bool = False
) -> Source:
    """Return what is published, and its files.

    Args:
        store: the store.
        source: a run, a folder, or the key of an artifact; None: the last run that published.
        revisions: whether to read the models after earlier updates too.

    Raises:
        ConfigError: the folder has no model, or the artifact is one of another stage.
        StoreError: there is no such run or artifact, or a file of it is damaged.
    """
    record = last_run(store.root, reaching="publish") if source is None else None
    record = record or (None if source is None else find_run(store.root, source))
    if record is not None:
        directory = artifact_of(record, store.root, "publish")
        return _named(f"run {run_label(record)}", read_publication(directory, revisions=revisions))
    assert source is not None
    if Path(source).is_dir():
        publication = read_publication(Path(source), revisions=revisions)
        return Source(source, " and ".join(one.name for one in publication.folders), publication)
    if looks_like_key(source):
        found = find_artifact(store, source)
        publication = read_publication(found.directory, revisions=revisions)
        return _named(f"{found.stage}/{found.key}", publication)
    raise StoreError(
        f"no run and no folder {source[:80]!r} (store: {store.root})",
        fix="list the runs with `xlm runs`, and the artifacts with `xlm store ls publish`",
    )


def _named(title: str, publication: Publication) -> Source:
    return Source(title, title, publication)
