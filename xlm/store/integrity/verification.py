"""Verifies a whole store: damaged artifacts, artifacts built from them, and untracked files."""

from dataclasses import dataclass, field

from xlm.errors import StoreError
from xlm.store.integrity.pruned import is_pruned
from xlm.store.manifest import read_manifest
from xlm.store.store import ArtifactStore, Verify


@dataclass(frozen=True)
class Damage:
    """An artifact that is not served, and the reason."""

    stage: str
    key: str
    damage: str


@dataclass(frozen=True)
class UntrackedFile:
    """An entry of an artifact's directory that the manifest does not list."""

    stage: str
    key: str
    path: str


@dataclass
class VerificationReport:
    """The findings of `verify_store`."""

    checked: int = 0
    pruned: int = 0
    """Artifacts of which only the manifest is left, and can be checked."""
    damaged: list[Damage] = field(default_factory=list)
    untracked_files: list[UntrackedFile] = field(default_factory=list)


def verify_store(store: ArtifactStore, verify: Verify) -> VerificationReport:
    """Compare every served artifact with its manifest.

    The deep check also reports artifacts that used a damaged input without verifying it, because
    they may have been built after the damage.
    """
    report = VerificationReport()
    undamaged: list[tuple[str, str]] = []
    for stage, key, _ in store.artifacts():
        if is_pruned(store.directory(stage, key)):
            report.pruned += 1
            if store.find_pruned(stage, key) is None:
                report.damaged.append(Damage(stage, key, "it was pruned; its manifest is damaged"))
            continue
        report.checked += 1
        if (reason := store.damage(stage, key, verify)) is not None:
            report.damaged.append(Damage(stage, key, reason))
        else:
            undamaged.append((stage, key))
        report.untracked_files += [
            UntrackedFile(stage, key, path) for path in store.untracked_files(stage, key)
        ]
    damaged = {(found.stage, found.key) for found in report.damaged}
    for stage, key in undamaged if verify == "deep" else ():
        if (reason := _suspect_input(store, stage, key, damaged)) is not None:
            report.damaged.append(Damage(stage, key, reason))
    return report


def _suspect_input(
    store: ArtifactStore, stage: str, key: str, damaged: set[tuple[str, str]]
) -> str | None:
    try:
        manifest = read_manifest(store.directory(stage, key))
    except StoreError as error:
        return error.what
    for record in manifest.upstream.values():
        if not record.verified and (record.stage, record.key) in damaged:
            return f"it may have been built from damaged bytes of {record.stage}[{record.unit}]"
    return None
