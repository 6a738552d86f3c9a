"""Checks a whole store: damaged artifacts, what may be built from them, and foreign files."""

from dataclasses import dataclass, field

from xlm.errors import StoreError
from xlm.store.manifest import read_manifest
from xlm.store.store import ArtifactStore, Verify


@dataclass(frozen=True)
class Damage:
    """One artifact that is not served, and why."""

    stage: str
    key: str
    damage: str


@dataclass(frozen=True)
class UntrackedFile:
    """One entry of an artifact's directory that its manifest does not name."""

    stage: str
    key: str
    path: str


@dataclass
class VerificationReport:
    """What a check of the store found."""

    checked: int = 0
    damaged: list[Damage] = field(default_factory=list)
    untracked_files: list[UntrackedFile] = field(default_factory=list)


def verify_store(store: ArtifactStore, verify: Verify) -> VerificationReport:
    """Check every served artifact against its manifest.

    An artifact that does not say that its inputs were verified is damaged too where one of them is:
    nobody knows whether it was built before or after.
    """
    report = VerificationReport()
    whole: list[tuple[str, str]] = []
    for stage, key, _ in store.artifacts():
        report.checked += 1
        if (reason := store.damage(stage, key, verify)) is not None:
            report.damaged.append(Damage(stage, key, reason))
        else:
            whole.append((stage, key))
        report.untracked_files += [
            UntrackedFile(stage, key, path) for path in store.untracked_files(stage, key)
        ]
    damaged = {(found.stage, found.key) for found in report.damaged}
    for stage, key in whole if verify == "deep" else ():
        if (reason := _suspicion(store, stage, key, damaged)) is not None:
            report.damaged.append(Damage(stage, key, reason))
    return report


def _suspicion(
    store: ArtifactStore, stage: str, key: str, damaged: set[tuple[str, str]]
) -> str | None:
    try:
        manifest = read_manifest(store.directory(stage, key))
    except StoreError as error:
        return error.what
    for record in manifest.upstream.values():
        if not record.verified and (record.stage, record.key) in damaged:
            return f"it may be built from damaged bytes of {record.stage}[{record.unit}]"
    return None
