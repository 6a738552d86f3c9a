"""sha256 of files: regular files only, and once per process for large models."""

import hashlib
import os
import time
from pathlib import Path

import pytest

from xlm.store.disk import digest_file, hashing
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


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(digest_file, "MIN_BYTES", 4)
    monkeypatch.setattr(hashing, "_kept_in", [])
    hashing.keep_digests(tmp_path / "sha256.json")
    return tmp_path / "sha256.json"


def _old(path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a file, and let it look as if it was written long ago."""
    path.write_bytes(content)
    later = time.time_ns() + 10_000_000_000
    monkeypatch.setattr(hashing.time, "time_ns", lambda: later)


def _reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Forget what this process knows; returns the files that are read from now on."""
    read: list[Path] = []
    hashing._digests.clear()

    def counting(path: Path) -> str:
        read.append(path)
        return file_sha256(path)

    monkeypatch.setattr(hashing, "file_sha256", counting)
    return read


def test_digests_are_kept_for_later_processes(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    _old(path, CONTENT, monkeypatch)
    assert cached_file_sha256(path) == SHA256
    read = _reads(monkeypatch)
    (tmp_path / "folder").mkdir()
    assert cached_file_sha256(path) == SHA256
    assert read == []
    path.write_bytes(CONTENT[::-1])
    assert cached_file_sha256(path) == hashlib.sha256(CONTENT[::-1]).hexdigest()
    assert read == [path]


def test_the_digest_of_a_file_that_just_changed_is_not_kept(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    cached_file_sha256(tmp_path / "file")
    assert not kept.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff"])
def test_a_damaged_file_of_digests_is_ignored(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    kept.write_bytes(content)
    _old(tmp_path / "file", CONTENT, monkeypatch)
    assert cached_file_sha256(tmp_path / "file") == SHA256
    assert SHA256 in kept.read_text()
