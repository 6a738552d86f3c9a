"""zstd files: several frames, long windows, skippable frames, truncated and damaged ones."""

import io
import random
from pathlib import Path

import pytest
import zstandard

from xlm.corpus.text_files.compressed import open_plain
from xlm.errors import DataError

TEXT = "".join(f"line {number} of {number * 7919 % 9973}\n" for number in range(20_000)).encode()


def _read(path: Path) -> bytes:
    with open_plain(path) as file:
        return file.read()


def _pack(data: bytes, **options: object) -> bytes:
    return zstandard.ZstdCompressor(**options).compress(data)


def _streamed(data: bytes) -> bytes:
    """A frame that does not state its size, as `zstd` writes from a pipe."""
    target = io.BytesIO()
    with zstandard.ZstdCompressor().stream_writer(target, closefd=False) as writer:
        writer.write(data)
    return target.getvalue()


@pytest.mark.parametrize(
    "packed",
    [
        _pack(TEXT),
        _streamed(TEXT),
        _pack(TEXT[:1000]) + _pack(b"") + _streamed(TEXT[1000:]),
        b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd" + _pack(TEXT),
        _pack(TEXT, write_checksum=True),
    ],
    ids=["frame", "unsized", "frames", "pzstd", "checksum"],
)
def test_all_frames_are_read(tmp_path: Path, packed: bytes) -> None:
    (tmp_path / "text").write_bytes(packed)
    assert _read(tmp_path / "text") == TEXT


def test_a_long_window_is_read(tmp_path: Path) -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=30, enable_ldm=True)
    noise = random.Random(0).randbytes(1 << 20)
    target = io.BytesIO()
    compressor = zstandard.ZstdCompressor(compression_params=parameters)
    with compressor.stream_writer(target, closefd=False) as writer:
        writer.write(noise * 2)
    (tmp_path / "text").write_bytes(target.getvalue())
    assert _read(tmp_path / "text") == noise * 2


@pytest.mark.parametrize("cut", [5, 1000, -1])
@pytest.mark.parametrize("packed", [_pack(TEXT), _pack(TEXT) + _streamed(TEXT)])
def test_a_truncated_file_is_refused(tmp_path: Path, packed: bytes, cut: int) -> None:
    (tmp_path / "text").write_bytes(packed[:cut])
    with pytest.raises(DataError, match="text: damaged or truncated"):
        _read(tmp_path / "text")


def test_garbage_after_a_frame_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(_pack(TEXT) + b"garbage")
    with pytest.raises(DataError, match="damaged or truncated"):
        _read(tmp_path / "text")


@pytest.mark.slow
def test_a_bomb_is_stopped_early(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(_pack(bytes(400 << 20)))
    sizes: list[int] = []
    with (
        pytest.raises(DataError, match="unpacks to more than 200 times"),
        open_plain(tmp_path / "text") as file,
    ):
        sizes.extend(map(len, iter(lambda: file.read(1 << 20), b"")))
    assert sum(sizes) <= 80 << 20
