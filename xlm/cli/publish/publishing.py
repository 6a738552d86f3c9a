"""`xlm publish`: what would be written where, and with --yes the writing."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from xlm.cli.output import counted, printable, show
from xlm.cli.progress_lines import ProgressLines
from xlm.cli.publish.source import Source, find_publication
from xlm.config.environment import MachineSettings, uses_plain_http
from xlm.config.training.release import CLASSIFIER_FOLDER
from xlm.display.markdown import format_size
from xlm.display.suggest import did_you_mean
from xlm.display.text_table import text_table
from xlm.errors import ConfigError, PublishError
from xlm.release.targets.folder import FolderTarget
from xlm.release.targets.opening import local_folder, open_target
from xlm.release.targets.publication import FOLDERS, ModelFolder
from xlm.release.targets.target import Comparison, Target
from xlm.store.disk.root import require_outside
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
    target: Target
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
    # Before all files are hashed, which takes long.
    targets_of = open_target(
        options.to, public=options.public, branch=options.branch, insecure=uses_plain_http()
    )
    if (home := local_folder(options.to)) is not None:
        require_outside(store.root, home, "--to")
    found = find_publication(store, source, revisions=options.revisions)
    if options.only is not None:
        found = found._replace(publication=found.publication.only(options.only))
    if options.revisions and not found.publication.revisions:
        raise ConfigError(
            f"{found.title} has no revisions",
            fix="set pretrain.revision_updates, run it again, and publish that run",
        )
    targets = targets_of(found.publication)
    for _, target in targets:
        if isinstance(target, FolderTarget):
            require_outside(store.root, target.directory, "--to")
    copies = [_Copy(folder, target, target.compare(folder)) for folder, target in targets]
    if not options.as_json:
        _print_copies(found, copies)
    written = _write_all(found, copies, options) if options.yes else []
    if options.as_json:
        content = _as_json(found, copies, options)
        show(json.dumps(content | {"written": written}, indent=1))
        return
    if options.yes:
        return
    if refusal := _refusal(copies):
        show(printable(f"--yes would refuse: {refusal}."))
    elif any(not one.comparison.is_complete for one in copies):
        show("Nothing was written. Add --yes to write.")


def _write_all(found: Source, copies: Sequence[_Copy], options: Options) -> list[str]:
    if not options.force and (refusal := _refusal(copies)):
        raise refusal
    total = sum(one.pending_bytes for one in copies)
    message = f"Publish {found.public_title}, digest {found.publication.digest[:12]}"
    lines = []
    with ProgressLines("publish", "bytes", total=total) as progress:
        count = ByteCount(progress.update)
        for one in copies:
            if one.comparison.is_complete:
                line = f"{one.target.name} has all files already"
            else:
                line = one.target.write(one.folder, one.comparison, message, count.add)
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
                f"{one.target.name} has {counted(len(others), 'other file')} ({names})",
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


def _print_copies(found: Source, copies: Sequence[_Copy]) -> None:
    show(printable(f"{found.title}, digest {found.publication.digest}"))
    for one in copies:
        note = f" ({one.comparison.note})" if one.comparison.note else ""
        show(f"\n{printable(f'{one.folder.name} to {one.target.name}{note}')}")
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


def _as_json(found: Source, copies: Sequence[_Copy], options: Options) -> dict[str, object]:
    return {
        "dry_run": not options.yes,
        "source": found.title,
        "digest": found.publication.digest,
        "targets": [
            {
                "model": one.folder.name,
                "target": one.target.name,
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
