"""Trust on first use: pins size and sha256 of a download that has no published checksum.

    <root>/pins/<host>/<name>-<hash>.json   {"address": ..., "size_bytes": ..., "sha256": ..., ...}

The first download writes the file. Later downloads with other bytes are refused, even with
`--refresh`, until the user deletes the file.
"""

import hashlib
import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from xlm.errors import ChecksumError, StoreError
from xlm.redaction import redact
from xlm.store.disk.filesystem import read_small, write_atomically

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Pin:
    """Size and digest of an earlier download of a URL, and the file that records them."""

    path: Path
    size_bytes: int
    sha256: str
    first_seen: str
    accept: str = ""
    """How to accept another version, as an imperative; empty: by deleting `path`."""

    def check(self, url: str, size_bytes: int, sha256: str) -> None:
        """Compare a new download with the recorded one.

        Raises:
            ChecksumError: they differ; the message names both versions.
        """
        if (size_bytes, sha256) != (self.size_bytes, self.sha256):
            raise ChecksumError(
                f"{url}: sha256 is {sha256} ({size_bytes:,} bytes), but on {self.first_seen[:10]} "
                f"it was {self.sha256} ({self.size_bytes:,} bytes)",
                fix="find out which is right; to accept the new version "
                f"{self.accept or f'delete {self.path}'} and run again",
            )


@dataclass(frozen=True)
class PinFile:
    """The file that records the pin of one URL."""

    path: Path
    url: str
    first_bytes: int | None = None
    """Set if only the first bytes of the file are downloaded."""

    @classmethod
    def of(
        cls, folder: Path, url: str, *, mirrored: bool, first_bytes: int | None = None
    ) -> "PinFile":
        """The pin file of a URL; a mirror has separate pins, because it may serve a sample."""
        shown = redact(url)
        parent, _, name = re.split(r"[?#]", shown)[0].rpartition("/")
        name = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:100]
        host = parent.partition("://")[2].partition("/")[0].rpartition("@")[2]
        # The words are part of the file name's hash: pins of earlier runs depend on them.
        identity = f"{shown} {'mirror' if mirrored else 'host'} {first_bytes or 'whole'}"
        tag = hashlib.sha256(identity.encode()).hexdigest()[:16]
        host = re.sub(r"[^A-Za-z0-9-.]", "_", host.lstrip("."))[:100] or "host"
        return cls(folder / host / f"{name}-{tag}.json", shown, first_bytes)

    def read(self) -> Pin | None:
        """The recorded pin; None if the URL was never downloaded.

        Raises:
            StoreError: the file exists but is not a valid pin.
        """
        try:
            fields = json.loads(read_small(self.path))
            size_bytes, sha256 = fields["size_bytes"], fields["sha256"]
            first_seen = str(fields["first_seen"])
            if type(size_bytes) is int and _SHA256.fullmatch(sha256):
                return Pin(self.path, size_bytes, sha256, first_seen)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            pass
        raise StoreError(
            f"{self.path}: not a valid record of a first download",
            fix=f"delete it to trust the next download of {self.url}",
        )

    def record(self, size_bytes: int, sha256: str) -> None:
        """Write the pin, unless there is one."""
        if os.path.lexists(self.path):
            return
        fields = {
            "address": self.url,
            "first_bytes": self.first_bytes,
            "size_bytes": size_bytes,
            "sha256": sha256,
            "first_seen": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        write_atomically(self.path, json.dumps(fields, indent=1).encode())
