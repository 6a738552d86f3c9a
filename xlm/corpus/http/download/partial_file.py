"""A file that is being downloaded: its bytes in `<name>.part`, and `<name>.part.json` to resume."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Origin:
    """Which version of which file the bytes belong to."""

    url: str
    validator: str
    """Strong ETag or date; empty if the server sends neither: the bytes cannot be continued."""
    complete_bytes: int | None
    """Size of the complete file on the server; None if the server does not report it."""
    mirror: str = ""
    """The mirror that sent the first bytes, without secrets; empty: the server of the URL."""

    def as_json(self) -> dict[str, str | int | None]:
        """The fields under their names on disk."""
        return {
            "address": self.url,
            "validator": self.validator,
            "host_bytes": self.complete_bytes,
            "mirror": self.mirror,
        }

    @classmethod
    def of_json(cls, fields: object) -> "Origin | None":
        """Read what `as_json` wrote; None for anything else."""
        match fields:
            case {
                "address": str(url),
                "validator": str(validator),
                "host_bytes": int() | None as complete_bytes,
                "mirror": str(mirror),
                **others,
            } if not others and not isinstance(complete_bytes, bool):
                return cls(url, validator, complete_bytes, mirror)
        return None


class PartialFile:
    """The bytes that have arrived, with running digests.

    The digests are updated as bytes arrive, so a download of many gigabytes is read only once.
    """

    def __init__(self, path: Path, algorithms: Sequence[str]) -> None:
        self.path = path
        self._origin_path = path.with_name(path.name + ".json")
        self._algorithms = tuple(algorithms)
        self._hashes = [hashlib.new(name) for name in self._algorithms]
        self.size_bytes = 0
        self.origin: Origin | None = None

    def reopen(self, url: str) -> None:
        """Continue the bytes of an earlier attempt or process, if they are of the same URL."""
        origin = self._read_origin()
        is_plain = self.path.is_file() and not self.path.is_symlink()
        if origin is None or origin.url != url or not is_plain:
            self.discard()
            return
        self.origin = origin
        self._rehash()

    def begin(self, origin: Origin) -> None:
        """Discard all bytes and start with those of `origin`."""
        self.discard()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(b"")
        self._origin_path.write_text(json.dumps(origin.as_json()), encoding="utf-8")
        self.origin = origin

    def append(self, chunk: bytes) -> None:
        """Append bytes."""
        with self.path.open("ab") as file:
            file.write(chunk)
        for digest in self._hashes:
            digest.update(chunk)
        self.size_bytes += len(chunk)

    def digests(self) -> dict[str, str]:
        """The hexadecimal digests of all bytes so far, by algorithm."""
        return {
            name: digest.hexdigest()
            for name, digest in zip(self._algorithms, self._hashes, strict=True)
        }

    def discard(self) -> None:
        """Delete all bytes and their record."""
        self.path.unlink(missing_ok=True)
        self._origin_path.unlink(missing_ok=True)
        self.origin = None
        self.size_bytes = 0
        self._hashes = [hashlib.new(name) for name in self._algorithms]

    def move_to(self, target: Path) -> None:
        """Rename the complete file to `target`, atomically."""
        target.parent.mkdir(parents=True, exist_ok=True)
        self.path.replace(target)
        self._origin_path.unlink(missing_ok=True)

    def _read_origin(self) -> Origin | None:
        try:
            return Origin.of_json(json.loads(self._origin_path.read_text(encoding="utf-8")))
        except (OSError, ValueError, RecursionError):
            return None

    def _rehash(self) -> None:
        self._hashes = [hashlib.new(name) for name in self._algorithms]
        self.size_bytes = 0
        with self.path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                for digest in self._hashes:
                    digest.update(chunk)
                self.size_bytes += len(chunk)
