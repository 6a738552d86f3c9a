"""The files of a published model, with their digests, before they are copied to a target.

    publication = read_publication(Path("data/artifacts/publish/4ae1c09b77d01a52"))
    publication.folders[0].files[0].sha256

Files of an artifact are compared with its manifest. Files that the manifest does not list are left
out.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from xlm.config.training.release import (
    CLASSIFIER_FOLDER,
    MASKED_LM_FOLDER,
    REVISIONS_FOLDER,
    revision_name,
    revision_update,
)
from xlm.errors import ConfigError, StoreError
from xlm.store.disk.filesystem import is_real_file
from xlm.store.disk.hashing import file_sha256
from xlm.store.manifest import MANIFEST_NAME, FileRecord, Manifest, content_digest, read_manifest

FOLDERS = (CLASSIFIER_FOLDER, MASKED_LM_FOLDER)
CONFIG_NAME, CARD_NAME = "config.json", "README.md"
_WEIGHTS_NAME = "model.safetensors"
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class LocalFile:
    """A file to publish; `name` is relative to the model's folder, with forward slashes."""

    name: str
    path: Path
    size_bytes: int
    sha256: str

    def git_digest(self) -> str:
        """The name that git gives the contents: sha1 of a header with the size, and the bytes.

        Raises:
            OSError: the file cannot be read.
        """
        digest = hashlib.sha1(b"blob %d\0" % self.size_bytes, usedforsecurity=False)
        with self.path.open("rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                digest.update(block)
        return digest.hexdigest()


@dataclass(frozen=True)
class ModelFolder:
    """One model: `classifier`, `masked-lm`, or `revisions/step-N` of the latter."""

    name: str
    files: tuple[LocalFile, ...]

    @property
    def digest(self) -> str:
        """The digest of names, sizes and contents, computed as that of an artifact."""
        return content_digest(_records(self))


@dataclass(frozen=True)
class Publication:
    """The models of one run."""

    folders: tuple[ModelFolder, ...]
    digest: str
    """Of the publish artifact; of the files themselves if there is no artifact."""
    has_classifier: bool
    """Whether the run has a classifier, also if only its masked language model is published."""
    revisions: tuple[ModelFolder, ...] = ()
    """The masked language model after earlier updates: `revisions/step-2000`."""

    def only(self, name: str) -> Self:
        """The publication with one of its models; revisions are of the masked language model.

        Raises:
            ConfigError: the run has no such model.
        """
        chosen = tuple(folder for folder in self.folders if folder.name == name)
        if not chosen:
            present = " and ".join(folder.name for folder in self.folders)
            raise ConfigError(f"this run has no {name}", fix=f"it has {present}")
        revisions = self.revisions if name == MASKED_LM_FOLDER else ()
        return replace(self, folders=chosen, revisions=revisions)


def read_publication(directory: Path, *, revisions: bool = False) -> Publication:
    """Read the digests of an artifact of stage publish, one of its folders, or a model's folder.

    Args:
        directory: the artifact or folder.
        revisions: whether to read the models after earlier updates too, if there are any.

    Raises:
        ConfigError: there is no model in the directory.
        StoreError: a file does not match the manifest of its artifact.
        OSError: a file cannot be read.
    """
    if (directory / MANIFEST_NAME).is_file():
        return _of_artifact(directory, revisions=revisions)
    parent = directory.absolute().parent
    if directory.name in FOLDERS and (parent / MANIFEST_NAME).is_file():
        return _of_artifact(parent, revisions=revisions).only(directory.name)
    named = [name for name in FOLDERS if _is_model(directory / name)]
    if _is_model(directory):
        folders = [_of_folder(directory, _kind(directory))]
    else:
        folders = [_of_folder(directory / name, name) for name in named]
    if not folders:
        raise ConfigError(
            f"{directory} is not a published model: it has no {CONFIG_NAME} with {_WEIGHTS_NAME}",
            fix="name a run, an artifact of stage publish, or the folder of a model",
        )
    below = directory / REVISIONS_FOLDER
    paths = [f"{REVISIONS_FOLDER}/{one.name}/" for one in below.glob("*") if _is_model(one)]
    earlier = [_of_folder(directory / name, name) for name in _revisions(paths) if revisions]
    records = [
        record.model_copy(update={"path": f"{folder.name}/{record.path}"})
        for folder in (*folders, *earlier)
        for record in _records(folder)
    ]
    return Publication(
        tuple(folders),
        content_digest(records),
        any(one.name == CLASSIFIER_FOLDER for one in folders),
        tuple(earlier),
    )


def _of_artifact(directory: Path, *, revisions: bool) -> Publication:
    manifest = read_manifest(directory)
    if manifest.stage != "publish":
        raise ConfigError(
            f"{directory} is an artifact of stage {manifest.stage}, not of publish",
            fix="`xlm store ls publish` lists those that can be published",
        )
    folders = tuple(
        ModelFolder(name, files)
        for name in FOLDERS
        if (files := tuple(_checked_files(directory, manifest, name)))
    )
    if not folders:
        raise StoreError(f"{directory} has no model", fix="rebuild it with `xlm run --verify deep`")
    earlier = tuple(
        ModelFolder(name, tuple(_checked_files(directory, manifest, name)))
        for name in _revisions(record.path for record in manifest.all_files)
        if revisions
    )
    return Publication(folders, manifest.digest, folders[0].name == CLASSIFIER_FOLDER, earlier)


def _revisions(paths: Iterable[str]) -> list[str]:
    """The folders of revisions that contain the paths, `revisions/step-2000`, by their updates."""
    parts = [path.split("/") for path in paths if path.startswith(f"{REVISIONS_FOLDER}/")]
    updates = {revision_update(part[1]) for part in parts if len(part) > 2}
    numbers = sorted(update for update in updates if update is not None)
    return [f"{REVISIONS_FOLDER}/{revision_name(number)}" for number in numbers]


def _checked_files(directory: Path, manifest: Manifest, folder: str) -> Iterable[LocalFile]:
    for record in sorted(manifest.all_files, key=lambda one: one.path):
        if not record.path.startswith(f"{folder}/"):
            continue
        path = directory / record.path
        try:
            wrong = path.stat().st_size != record.size_bytes or file_sha256(path) != record.sha256
        except FileNotFoundError:
            wrong = True
        if wrong:
            raise StoreError(
                f"{path} does not match its sha256 in {MANIFEST_NAME}",
                fix="rebuild it with `xlm run --verify deep`",
            )
        name = record.path.removeprefix(f"{folder}/")
        yield LocalFile(name, path, record.size_bytes, record.sha256)


def _of_folder(directory: Path, name: str) -> ModelFolder:
    paths = [
        path
        for path in sorted(directory.rglob("*"))
        if not any(part.startswith(".") for part in path.relative_to(directory).parts)
        and not path.is_dir()
    ]
    for path in paths:
        # Files in the cache of the Hub are links.
        if not is_real_file(path.resolve()):
            raise ConfigError(f"{path} is not a regular file", fix="remove it")
    files = [
        LocalFile(
            path.relative_to(directory).as_posix(),
            path.resolve(),
            path.stat().st_size,
            file_sha256(path.resolve()),
        )
        for path in paths
    ]
    return ModelFolder(name, tuple(files))


def _is_model(directory: Path) -> bool:
    return all((directory / name).is_file() for name in (CONFIG_NAME, _WEIGHTS_NAME))


def _kind(directory: Path) -> str:
    text = (directory / CONFIG_NAME).read_text(encoding="utf-8", errors="replace")
    return CLASSIFIER_FOLDER if "ForSequenceClassification" in text else MASKED_LM_FOLDER


def _records(folder: ModelFolder) -> Sequence[FileRecord]:
    return [
        FileRecord(path=file.name, size_bytes=file.size_bytes, sha256=file.sha256)
        for file in folder.files
    ]
