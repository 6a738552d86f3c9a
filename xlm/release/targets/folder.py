"""A local folder as a target.

Each file is written under a temporary name in the folder that it belongs to, flushed and renamed.
"""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xlm.errors import PublishError
from xlm.release.targets.publication import LocalFile, ModelFolder
from xlm.release.targets.target import (
    Comparison,
    OnBytes,
    State,
    require_complete,
    write_in_order,
)
from xlm.store.disk.filesystem import is_draft, new_draft, remove_drafts, sync_directory
from xlm.store.disk.hashing import file_sha256

_BLOCK_BYTES = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class FolderTarget:
    """A folder, which is created if it does not exist."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def name(self) -> str:
        """The path of the folder."""
        return str(self.directory)

    def compare(self, folder: ModelFolder) -> Comparison:
        """Compare sizes and sha256 digests."""
        with self._reported("read"):
            states = {file.name: self._state(file) for file in folder.files}
            others = sorted(set(self._names()) - set(states))
            note = "" if self.directory.is_dir() else "new folder"
        return Comparison(states, tuple(others), note)

    def write(
        self, folder: ModelFolder, comparison: Comparison, message: str, on_bytes: OnBytes
    ) -> str:
        """Write what is missing, after a check of the free space."""
        pending = comparison.pending(folder)
        with self._reported("written"):
            self.directory.mkdir(parents=True, exist_ok=True)
            remove_drafts(self.directory)
            self._require_space(sum(file.size_bytes for file in pending))
            write_in_order(
                folder,
                comparison,
                write=lambda file: self._write(file, on_bytes),
                remove=lambda name: (self.directory / name).unlink(missing_ok=True),
            )
        require_complete(self, folder)
        return f"{len(pending)} files written to {self.name}"

    def _names(self) -> Iterator[str]:
        absolute = self.directory.absolute()
        existing = next(one for one in (absolute, *absolute.parents) if os.path.lexists(one))
        if not existing.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if existing != absolute:
            return
        for path in self.directory.rglob("*"):
            if not is_draft(path.name) and (path.is_symlink() or not path.is_dir()):
                yield path.relative_to(self.directory).as_posix()

    def _state(self, file: LocalFile) -> State:
        path = self.directory / file.name
        if not os.path.lexists(path):
            return "new"
        is_same = (
            path.is_file()
            and path.stat().st_size == file.size_bytes
            and file_sha256(path.resolve()) == file.sha256
        )
        return "same" if is_same else "changed"

    def _require_space(self, needed_bytes: int) -> None:
        free = shutil.disk_usage(self.directory).free
        if needed_bytes > free:
            raise PublishError(
                f"the disk of {self.name} is too full: {needed_bytes:,} bytes are needed, "
                f"{free:,} are free",
                fix="free some space, or use another folder; nothing was written",
            )

    def _write(self, file: LocalFile, on_bytes: OnBytes) -> None:
        path = self.directory / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        stream, draft = new_draft(path)
        try:
            with stream, file.path.open("rb") as source:
                while block := source.read(_BLOCK_BYTES):
                    digest.update(block)
                    stream.write(block)
                    on_bytes(len(block))
                stream.flush()
                os.fsync(stream.fileno())
            if digest.hexdigest() != file.sha256:
                raise PublishError(f"{file.path} changed while it was read", fix="run it again")
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        sync_directory(path.parent)

    @contextmanager
    def _reported(self, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            name = f" ({Path(error.filename).name})" if error.filename else ""
            fix = "check the path, its owner and its permissions"
            if error.errno in _FULL:
                fix = "free some space and run the same command again: it goes on from there"
            raise PublishError(
                f"{self.name} cannot be {done}{name}: {error.strerror or error}", fix=fix
            ) from error
