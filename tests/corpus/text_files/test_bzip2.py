"""bzip2 files: bounded chunks, damage, decompression bombs."""

import bz2
import random

import pytest

from xlm.corpus.text_files import bzip2, decompression_limit
from xlm.corpus.text_files.bzip2 import read_bz2
from xlm.errors import DataError


def test_all_streams_of_a_bzip2_file_are_read(tmp_path):
    path = tmp_path / "a.bz2"
    parts = [b"one" * 500_000, b"", b"two" * 1000]
    path.write_bytes(b"".join(map(bz2.compress, parts)))
    assert b"".join(read_bz2(path)) == b"".join(parts)


def test_a_bzip2_file_is_read_in_bounded_chunks(tmp_path):
    path = tmp_path / "a.bz2"
    path.write_bytes(bz2.compress(b"\0" * (5 << 20)))
    assert max(map(len, read_bz2(path))) <= 1 << 20


@pytest.mark.parametrize("cut", [0, 2, 20, -1])
def test_a_truncated_bzip2_file_is_one_line(tmp_path, cut):
    path = tmp_path / "a.bz2"
    path.write_bytes((bz2.compress(b"one" * 100) + bz2.compress(b"two" * 100))[:cut])
    with pytest.raises(
        DataError, match=r"^a\.bz2: truncated bzip2 file; .* begins at byte (0|43); "
    ) as caught:
        list(read_bz2(path))
    assert "--refresh" not in str(caught.value)


def test_other_data_is_one_line(tmp_path):
    path = tmp_path / "a.bz2"
    path.write_bytes(b"<html>sorry</html>")
    with pytest.raises(DataError, match="not bzip2 data"):
        list(read_bz2(path))


def test_a_bzip2_bomb_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(decompression_limit, "UNCHECKED_BYTES", 1 << 20)
    path = tmp_path / "a.bz2"
    path.write_bytes(bz2.compress(b"\0" * (20 << 20)))
    read: list[int] = []
    with pytest.raises(DataError, match="unpacks to more than 200 times"):
        read.extend(map(len, read_bz2(path)))
    assert sum(read) <= 3 << 20


@pytest.mark.slow
def test_a_bomb_after_valid_data_is_stopped(tmp_path, monkeypatch):
    """Over the whole file the ratio is small; within a window it is not."""
    monkeypatch.setattr(decompression_limit, "UNCHECKED_BYTES", 20 << 20)
    path = tmp_path / "a.bz2"
    valid = random.Random(0).randbytes(1 << 20)
    path.write_bytes(bz2.compress(valid) + bz2.compress(b"\0" * (80 << 20)))
    read: list[int] = []
    with pytest.raises(DataError, match="unpacks to more than 200 times"):
        read.extend(map(len, read_bz2(path)))
    assert sum(read) <= 70 << 20


@pytest.mark.slow
def test_a_file_with_a_very_compressible_part_is_read(tmp_path, monkeypatch):
    """For example a page of white space: extreme there, but not over a window."""
    monkeypatch.setattr(decompression_limit, "UNCHECKED_BYTES", 4 << 20)
    monkeypatch.setattr(bzip2, "_PACKED_CHUNK_BYTES", 1 << 13)
    path = tmp_path / "a.bz2"
    content = bytes(3 << 20).join(random.Random(seed).randbytes(1 << 18) for seed in range(4))
    path.write_bytes(bz2.compress(content))
    assert sum(map(len, read_bz2(path))) == len(content)
