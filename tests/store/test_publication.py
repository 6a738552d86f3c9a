"""Publication takes the digests of the build, and reads only files that it cannot know."""

import hashlib
from pathlib import Path

from xlm.engine.building.mapper import SerialMapper
from xlm.store.artifact import Artifact, Staging
from xlm.store.file_digest import FileDigest
from xlm.store.file_jobs import FileJob, map_files
from xlm.store.publication import publish_artifact
from xlm.store.store import ArtifactStore

KEY = "k" * 24
_DESCRIPTION = {
    "stage": "tokenize", "unit": "sw", "key": KEY, "code_version": 1, "config": {}, "upstream": {},
    "tools": {}, "counts": {}, "sources": [], "resolved_config": {},
}  # fmt: skip


def _write(job: FileJob) -> dict[str, int]:
    job.targets[0].write_bytes(b"good")
    return {}


def _built(store: ArtifactStore) -> tuple[Staging, Path]:
    staging = store.open_staging("tokenize", KEY)
    path = staging.out / "train.00000.txt"
    map_files(SerialMapper(), staging.records, _write, [FileJob("train", (), (path,))])
    return staging, path


def _digest(artifact: Artifact, name: str = "train.00000.txt") -> str:
    return next(file.sha256 for file in artifact.manifest.files if file.path == name)


def test_the_manifest_takes_digests_from_the_records(store: ArtifactStore) -> None:
    staging, _ = _built(store)
    record = staging.records / "train.json"
    good = hashlib.sha256(b"good").hexdigest()
    # Nothing but the record has this digest: hashing the file would give another one.
    record.write_text(record.read_text().replace(good, "0" * 64))
    artifact = publish_artifact(store, staging, _DESCRIPTION, {})
    assert _digest(artifact) == "0" * 64


def test_a_shared_digest_still_finds_damage(store: ArtifactStore) -> None:
    staging, path = _built(store)
    artifact = publish_artifact(store, staging, _DESCRIPTION, {})
    assert _digest(artifact) == hashlib.sha256(b"good").hexdigest()
    (artifact.directory / path.name).write_bytes(b"evil")
    assert store.damage("tokenize", KEY, "deep") is not None


def test_a_file_that_changed_after_its_record_is_read_again(store: ArtifactStore) -> None:
    staging, path = _built(store)
    path.write_bytes(b"late")
    artifact = publish_artifact(store, staging, _DESCRIPTION, {})
    assert _digest(artifact) == hashlib.sha256(b"late").hexdigest()
    assert store.damage("tokenize", KEY, "deep") is None


def test_a_stage_may_give_the_digest_of_a_file_that_it_hashed(store: ArtifactStore) -> None:
    staging = store.open_staging("tokenize", KEY)
    path = staging.out / "corpus.zip"
    path.write_bytes(b"good")
    hashed = [FileDigest.of(path, sha256="1" * 64)]
    artifact = publish_artifact(store, staging, _DESCRIPTION, {}, (), hashed)
    assert _digest(artifact, "corpus.zip") == "1" * 64
