"""Finds the models that `xlm publish` copies: of a run, an artifact or a folder."""

from pathlib import Path

from xlm.errors import StoreError
from xlm.pipeline.run_lookup import find_run, run_label
from xlm.pipeline.run_record import last_run
from xlm.release.targets.publication import Publication, read_publication
from xlm.report.run_results import artifact_of
from xlm.store.store import ArtifactStore
from xlm.store.stored import find_artifact, looks_like_key


def find_publication(
    store: ArtifactStore, source: str | None, *, revisions: bool = False
) -> tuple[str, Publication]:
    """Return what is published, in words, and its files.

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
        return f"run {run_label(record)}", read_publication(directory, revisions=revisions)
    assert source is not None
    if Path(source).is_dir():
        return source, read_publication(Path(source), revisions=revisions)
    if looks_like_key(source):
        found = find_artifact(store, source)
        publication = read_publication(found.directory, revisions=revisions)
        return f"{found.stage}/{found.key}", publication
    raise StoreError(
        f"no run and no folder {source[:80]!r} (store: {store.root})",
        fix="list the runs with `xlm runs`, and the artifacts with `xlm store ls publish`",
    )
