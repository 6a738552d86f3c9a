"""sha256 of files: regular files only, and once per process for large models."""

import hashlib
import os
from pathlib import Path

import pytest

from xlm.store.disk import hashing
from xlm.store.disk.hashing import cached_file_sha256, file_sha256

CONTENT = b"content\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def test_a_regular_file_is_hashed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    assert file_sha256(tmp_path / "file") == SHA256


@pytest.mark.timeout(10)
def test_links_and_fifos_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "fifo")
    for name in ("link", "fifo", "missing"):
        with pytest.raises(OSError, match=name):
            file_sha256(tmp_path / name)


def test_the_cached_hash_follows_links_and_notices_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    (tmp_path / "link").symlink_to("file")
    hashed: list[Path] = []
    monkeypatch.setattr(
        hashing, "file_sha256", lambda path: hashed.append(path) or file_sha256(path)
    )
    assert cached_file_sha256(tmp_path / "link") == SHA256
    assert cached_file_sha256(tmp_path / "file") == SHA256
    assert hashed == [tmp_path / "file"]
    (tmp_path / "file").write_bytes(CONTENT * 2)
    assert cached_file_sha256(tmp_path / "link") == hashlib.sha256(CONTENT * 2).hexdigest()
    assert len(hashed) == 2
