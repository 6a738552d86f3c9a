"""The blocks of a text give the lines, the counts and the errors of the whole text."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from xlm.config.data.own.parts import Part
from xlm.corpus.own_text.blocks import Block, blocks_of, read_block
from xlm.corpus.text_files.text_lines import MAX_LINE_BYTES, TextFaults
from xlm.errors import DataError

TEXT = Part(kind="text", name="news")
LINES = st.lists(
    st.sampled_from(
        [
            b"one",
            b"",
            b" \t",
            b"\xc3\xa4\xc3\xb6",
            b"\xff\xfe bad",
            b"a\rb",
            b"\0",
            b"\xef\xbb\xbfx",
        ]
    ),
    max_size=30,
)


def _read(blocks: list[Block], folder: Path) -> tuple[bytes, int, TextFaults]:
    """The text of all blocks, the number of blank lines, and the faults."""
    text, blank, faults = b"", 0, TextFaults()
    for block in blocks:
        read = read_block(block, folder / "out")
        found = (folder / "out").read_bytes()
        assert found.count(b"\n") == read.lines
        text += found
        blank += read.blank
        faults.add(read.faults)
    return text, blank, faults


@settings(max_examples=60, deadline=None)
@given(
    lines=LINES,
    ends=st.sampled_from([b"\n", b"\r\n"]),
    closed=st.booleans(),
    size=st.integers(1, 40),
)
def test_any_cut_gives_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[bytes],
    ends: bytes,
    closed: bool,
    size: int,
) -> None:
    folder = tmp_path_factory.mktemp("text")
    path = folder / "a.txt"
    path.write_bytes(ends.join([b"first", *lines]) + (ends if closed else b""))
    try:
        whole = _read([Block(TEXT, path, "yo")], folder)
    except DataError:  # many NULs: the text looks like UTF-16
        reject()
    blocks = blocks_of(TEXT, path, "yo", chunk_bytes=size)
    assert [block.is_last for block in blocks] == [False] * (len(blocks) - 1) + [True]
    assert _read(blocks, folder) == whole


def test_a_byte_order_mark_counts_at_the_start_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfone\n\xef\xbb\xbftwo\n")
    blocks = blocks_of(TEXT, path, "yo", chunk_bytes=7)
    assert len(blocks) == 2
    assert _read(blocks, tmp_path)[0] == b"one\n\xef\xbb\xbftwo\n"


@pytest.mark.parametrize("content", [b"one\rtwo\rthree\r", b""])
def test_a_text_without_newlines_is_one_block(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    (block,) = blocks_of(TEXT, path, "yo", chunk_bytes=2)
    assert block.chunk is None


def test_a_compressed_text_is_one_block(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(gzip.compress(b"one\ntwo\n" * 100))
    (block,) = blocks_of(TEXT, path, "yo", chunk_bytes=8)
    assert _read([block], tmp_path)[0] == b"one\ntwo\n" * 100


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one\n" + b"a" * (MAX_LINE_BYTES + 1))
    (block,) = blocks_of(TEXT, tmp_path / "a", "en")
    with pytest.raises(DataError, match=r"a line after byte 0 has more than 16 MiB; .*newline"):
        read_block(block, tmp_path / "out")
