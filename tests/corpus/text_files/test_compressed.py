"""Compressed files that unpack to far more than their size are stopped early."""

import bz2
import gzip
import lzma
import random

import pytest

from xlm.corpus.text_files import compressed, decompression_limit
from xlm.corpus.text_files.compressed import open_plain
from xlm.errors import DataError


@pytest.mark.slow
def test_a_bomb_is_stopped_early(tmp_path):
    path = tmp_path / "train.en"
    path.write_bytes(gzip.compress(bytes(300 << 20), 9))
    sizes: list[int] = []
    with pytest.raises(DataError, match="unpacks to more than 200 times"), open_plain(path) as file:
        sizes.extend(map(len, iter(lambda: file.read(1 << 20), b"")))
    assert sum(sizes) <= 80 << 20


PACKERS = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}


@pytest.fixture
def small_window(monkeypatch):
    monkeypatch.setattr(decompression_limit, "UNCHECKED_BYTES", 4 << 20)
    monkeypatch.setattr(compressed, "_READ_AHEAD_BYTES", 1 << 13)


@pytest.mark.slow
@pytest.mark.parametrize("packer", PACKERS)
def test_a_bomb_after_valid_data_is_stopped(tmp_path, small_window, packer):
    """Over the whole file the ratio is small; within a window it is not."""
    path, pack = tmp_path / "train.en", PACKERS[packer]
    path.write_bytes(pack(random.Random(0).randbytes(1 << 18)) + pack(bytes(14 << 20)))
    assert 200 * path.stat().st_size > (14 << 20)
    sizes: list[int] = []
    with pytest.raises(DataError, match="unpacks to more than 200 times"), open_plain(path) as file:
        sizes.extend(map(len, iter(lambda: file.read(1 << 16), b"")))
    assert sum(sizes) <= 12 << 20


@pytest.mark.slow
@pytest.mark.parametrize("packer", PACKERS)
def test_a_text_with_a_very_compressible_part_is_read(tmp_path, small_window, packer):
    path, pack = tmp_path / "train.en", PACKERS[packer]
    chunks = [random.Random(seed).randbytes(1 << 18) for seed in range(4)]
    complete = bytes(3 << 20).join(chunks)
    path.write_bytes(pack(complete))
    with open_plain(path) as file:
        assert sum(map(len, iter(lambda: file.read(1 << 16), b""))) == len(complete)


TEXT = b"".join(b"line %d\n" % number for number in range(5000))


def _unpacked(path, content):
    path.write_bytes(content)
    with open_plain(path) as file:
        return file.read()


@pytest.mark.parametrize("packer", PACKERS)
def test_streams_and_padding_are_read(tmp_path, packer):
    one, two = map(PACKERS[packer], (TEXT, b"more\n"))
    assert _unpacked(tmp_path / "a", one + PACKERS[packer](b"") + two) == TEXT + b"more\n"
    assert _unpacked(tmp_path / "a", one + bytes(512)) == TEXT
    assert _unpacked(tmp_path / "a", one + bytes(1 << 18) + two) == TEXT + b"more\n"


@pytest.mark.parametrize("packer", PACKERS)
def test_damage_between_two_streams_hides_no_text(tmp_path, packer):
    """Python's bz2 and lzma ignore everything from there on."""
    one = PACKERS[packer](TEXT)
    for end in (b"x" + one[1:], one[:-1], b"garbage"):
        with pytest.raises(DataError, match=r"^a: damaged or truncated \("):
            _unpacked(tmp_path / "a", one + end)
