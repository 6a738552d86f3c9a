"""`xlm publish`: what would be written where, and with --yes the writing."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from xlm.cli.output import counted, printable, show
from xlm.cli.progress_lines import ProgressLines
from xlm.cli.publish.source import find_publication
from xlm.config.environment import MachineSettings, uses_plain_http
from xlm.config.training.release import CLASSIFIER_FOLDER
from xlm.display.markdown import format_size
from xlm.display.suggest import did_you_mean
from xlm.display.text_table import text_table
from xlm.errors import ConfigError, PublishError
from xlm.release.targets.place import Comparison, Place
from xlm.release.targets.publication import FOLDERS, ModelFolder, Publication
from xlm.release.targets.target import local_folder, open_places
from xlm.store.remote.transfers import ByteCount
from xlm.store.store import ArtifactStore

_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of the command; see its help."""

    to: str
    only: str | None
    yes: bool
    force: bool
    public: bool
    branch: str | None
    revisions: bool
    as_json: bool


@dataclass(frozen=True)
class _Copy:
    """One model, where it goes, and what is there."""

    folder: ModelFolder
    place: Place
    comparison: Comparison

    @property
    def pending_bytes(self) -> int:
        return sum(file.size_bytes for file in self.comparison.pending(self.folder))


def publish_models(source: str | None, options: Options, root: str | None) -> None:
    """Compare the models with the target, print the result, and write if that was asked for.

    Raises:
        ConfigError: the target or an option is not valid.
        PublishError: the target has other files, or it refused the models.
        StoreError: there is no such run or artifact, or a file of it is damaged.
    """
    if options.only is not None and options.only not in FOLDERS:
        raise ConfigError(
            f"unknown model {options.only[:80]!r}", fix=did_you_mean(options.only, FOLDERS)
        )
    if options.revisions:
        _require_fitting(options)
    store = ArtifactStore.open(MachineSettings.from_environment(root).root, write=False)
    origin, publication = find_publication(store, source, revisions=options.revisions)
    if options.only is not None:
        publication = publication.only(options.only)
    if options.revisions and not publication.revisions:
        raise ConfigError(
            f"{origin} has no revisions",
            fix="set pretrain.revision_updates, run it again, and publish that run",
        )
    _require_outside(options.to, publication, store)
    places = open_places(
        options.to,
        publication,
        public=options.public,
        branch=options.branch,
        insecure=uses_plain_http(),
    )
    copies = [_Copy(folder, place, place.compare(folder)) for folder, place in places]
    if not options.as_json:
        _print_copies(origin, publication, copies)
    written = _write_all(origin, publication, copies, options) if options.yes else []
    if options.as_json:
        found = _as_json(origin, publication, copies, options)
        show(json.dumps(found | {"written": written}, indent=1))
        return
    if options.yes:
        return
    if refusal := _refusal(copies):
        show(printable(f"--yes would refuse: {refusal}."))
    elif any(not one.comparison.is_complete for one in copies):
        show("Nothing was written. Add --yes to write.")


def _write_all(
    origin: str, publication: Publication, copies: Sequence[_Copy], options: Options
) -> list[str]:
    if not options.force and (refusal := _refusal(copies)):
        raise refusal
    total = sum(one.pending_bytes for one in copies)
    message = f"Publish {origin}, digest {publication.digest[:12]}"
    lines = []
    with ProgressLines("publish", "bytes", total=total) as progress:
        count = ByteCount(progress.update)
        for one in copies:
            if one.comparison.is_complete:
                line = f"{one.place.address} has all files already"
            else:
                line = one.place.write(one.folder, one.comparison, message, count.add)
            if not options.as_json:
                # At once: a failure of the next one must not hide what is public already.
                show(printable(line))
            lines.append(line)
    return lines


def _refusal(copies: Sequence[_Copy]) -> PublishError | None:
    for one in copies:
        if others := one.comparison.others:
            names = ", ".join(others[:_SHOWN]) + (", ..." if len(others) > _SHOWN else "")
            return PublishError(
                f"{one.place.address} has {counted(len(others), 'other file')} ({names})",
                fix="use another target, or --force to write next to them",
            )
    return None


def _require_fitting(options: Options) -> None:
    """Refuse options that contradict --revisions."""
    if options.branch is not None:
        raise ConfigError(
            "--revisions and --branch exclude each other, because every revision has a branch",
            fix="drop one of them",
        )
    if options.only == CLASSIFIER_FOLDER:
        raise ConfigError(
            "--revisions and --only classifier exclude each other: a classifier has no revisions",
            fix="use --only masked-lm, or drop one of them",
        )


def _require_outside(to: str, publication: Publication, store: ArtifactStore) -> None:
    """Refuse a folder of the store, also one that a symbolic link below the target leads to."""
    target = local_folder(to)
    if target is None:
        return
    names = [folder.name for folder in (*publication.folders, *publication.revisions)]
    for path in (target, *(target / name for name in names)):
        if path.resolve().is_relative_to(store.root.resolve()):
            raise ConfigError(
                f"--to: {str(path)[:200]!r} is in the store {store.root}", fix="use another folder"
            )


def _print_copies(origin: str, publication: Publication, copies: Sequence[_Copy]) -> None:
    show(printable(f"{origin}, digest {publication.digest}"))
    for one in copies:
        note = f" ({one.comparison.note})" if one.comparison.note else ""
        show(f"\n{printable(f'{one.folder.name} to {one.place.address}{note}')}")
        rows: list[tuple[str, str, str]] = [
            (printable(file.name), one.comparison.states[file.name], format_size(file.size_bytes))
            for file in one.folder.files
        ]
        rows += [(printable(name), "other, stays", "") for name in one.comparison.others]
        show(text_table(("file", "state", "size"), rows, left=(0, 1)))
    states = Counter(state for one in copies for state in one.comparison.states.values())
    pending = format_size(sum(one.pending_bytes for one in copies))
    counts = ", ".join(f"{states[state]} {state}" for state in ("new", "changed", "same"))
    show(f"\n{counts}; {pending} to write")


def _as_json(
    origin: str, publication: Publication, copies: Sequence[_Copy], options: Options
) -> dict[str, object]:
    return {
        "dry_run": not options.yes,
        "source": origin,
        "digest": publication.digest,
        "targets": [
            {
                "model": one.folder.name,
                "target": one.place.address,
                "note": one.comparison.note,
                "files": [
                    {
                        "path": file.name,
                        "size_bytes": file.size_bytes,
                        "sha256": file.sha256,
                        "state": one.comparison.states[file.name],
                    }
                    for file in one.folder.files
                ],
                "other_files": list(one.comparison.others),
            }
            for one in copies
        ],
    }
