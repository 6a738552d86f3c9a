"""Flat copies equal the lines in memory, are written once, and are complete or rewritten."""

import json
import multiprocessing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.shards.rows import HASH, VOCABULARY, first_ids, lines_of, rows_at, rows_of, write_rows
from xlm.errors import DataError, StoreError
from xlm.shards.lines import Lines
from xlm.shards.random_access.flat_copy import open_flat_lines, open_flat_pairs
from xlm.shards.reader import ShardReader, read_lines, read_pairs
from xlm.shards.writer import ShardWriter

ROWS = st.lists(st.lists(st.integers(0, 1013), max_size=9), max_size=30)
PAIRS = st.lists(st.tuples(*[st.lists(st.integers(0, 1013), max_size=7)] * 2), max_size=200)
NEW_EXAMPLES = settings(max_examples=40, deadline=None)


@pytest.mark.slow
@NEW_EXAMPLES
@given(
    rows=ROWS,
    shards=st.integers(1, 3),
    row_group_tokens=st.integers(1, 30),
    width=st.integers(1, 8),
    data=st.data(),
)
def test_windows_are_slices_of_the_stream_after_eos(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[list[int]],
    shards: int,
    row_group_tokens: int,
    width: int,
    data: st.DataObject,
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    write_rows(folder, lines_of(rows), shards=shards, row_group_tokens=row_group_tokens)
    flat = open_flat_lines(ShardReader(folder, "train", HASH), folder / "ids", "sw")
    stream = [i for row in rows for i in [*row, 1]]
    assert len(flat) == len(rows)
    assert flat.num_tokens == len(stream)
    assert flat.windows(np.zeros(1, dtype=np.int64), len(stream)).tolist() == [stream]
    last = max(len(stream) - width, -width - 2)
    starts = data.draw(st.lists(st.integers(-width - 2, last), min_size=1, max_size=5))
    starts = [start for start in starts if start + width <= len(stream)]
    expected = [([1] * (width + 2) + stream)[s + width + 2 :][:width] for s in starts]
    found = flat.windows(np.array(starts, dtype=np.int64), width)
    assert found.dtype == np.int32
    assert found.tolist() == expected
    in_memory = read_lines(folder, "train", HASH)
    assert in_memory.windows(np.array(starts, dtype=np.int64), width).tolist() == expected


@pytest.mark.slow
@NEW_EXAMPLES
@given(
    rows=PAIRS,
    shards=st.integers(1, 3),
    row_group_tokens=st.integers(1, 30),
    longest_side=st.integers(1, 8),
    data=st.data(),
)
def test_pairs_of_unusable_length_are_left_out(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[list[int], list[int]]],
    shards: int,
    row_group_tokens: int,
    longest_side: int,
    data: st.DataObject,
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    first, second = (lines_of([row[side] for row in rows]) for side in range(2))
    write_rows(
        folder, first, second, kind="pair", languages=("en", "sw"),
        shards=shards, row_group_tokens=row_group_tokens,
    )  # fmt: skip
    reader = ShardReader(folder, "train", HASH)
    flat = open_flat_pairs(reader, folder / "ids", "en-sw", longest_side=longest_side)
    usable = [row for row in rows if all(0 < len(side) <= longest_side for side in row)]
    assert len(flat) == len(usable)
    assert flat.lengths_N2.tolist() == [[len(a), len(b)] for a, b in usable]
    if usable:
        numbers = data.draw(st.lists(st.integers(0, len(usable) - 1), min_size=1, max_size=9))
        taken = flat.take(np.array(numbers))
        for side, spans in enumerate(taken):
            assert rows_at(spans) == [usable[number][side] for number in numbers]


def test_lengths_take_one_byte_if_possible(tmp_path: Path) -> None:
    sides = lines_of([[20] * 300, [21, 22]]), lines_of([[30], [31]])
    write_rows(tmp_path, *sides, kind="pair", languages=("en", "sw"))
    reader = ShardReader(tmp_path, "train", HASH)
    short = open_flat_pairs(reader, tmp_path / "short", "en-sw", longest_side=100)
    long = open_flat_pairs(reader, tmp_path / "long", "en-sw", longest_side=510)
    assert short.lengths_N2.nbytes == 2
    assert short.lengths_N2.tolist() == [[2, 1]]
    assert long.lengths_N2.tolist() == [[300, 1], [2, 1]]
    expected = read_pairs(tmp_path, "train", HASH)
    assert rows_at(long.take(np.array([0, 1]))[0]) == rows_of(expected.first)


def _lines(tmp_path: Path, first: int = 20) -> ShardReader:
    write_rows(tmp_path / "shards", lines_of([[first, 21], [22]] * 50), row_group_tokens=10)
    return ShardReader(tmp_path / "shards", "train", HASH)


def test_a_complete_copy_is_reused_only_for_the_same_shards(tmp_path: Path) -> None:
    folder, start = tmp_path / "ids", np.zeros(1, dtype=np.int64)
    open_flat_lines(_lines(tmp_path), folder, "sw")
    before = (folder / "sw.ids").stat()
    open_flat_lines(_lines(tmp_path), folder, "sw")
    assert (folder / "sw.ids").stat().st_ino == before.st_ino
    assert (folder / "sw.ids").stat().st_mtime_ns == before.st_mtime_ns
    other = open_flat_lines(_lines(tmp_path, first=99), folder, "sw")
    assert other.windows(start, 3).tolist() == [[99, 21, 1]]


@pytest.mark.parametrize("record", [None, b"", b"[]", b"{}", b'{"sizes": {"sw.ids": 8}}'])
def test_a_copy_without_a_valid_record_is_rewritten(tmp_path: Path, record: bytes | None) -> None:
    """If the writer is killed, it leaves ids without a record."""
    folder = tmp_path / "ids"
    open_flat_lines(_lines(tmp_path), folder, "sw")
    original = (folder / "sw.ids").read_bytes()
    (folder / "sw.ids").write_bytes(original[:8])
    (folder / "sw.json").unlink() if record is None else (folder / "sw.json").write_bytes(record)
    assert open_flat_lines(_lines(tmp_path), folder, "sw").num_tokens == 250
    assert (folder / "sw.ids").read_bytes() == original


def test_a_copy_of_the_wrong_size_is_rewritten(tmp_path: Path) -> None:
    folder = tmp_path / "ids"
    open_flat_lines(_lines(tmp_path), folder, "sw")
    with (folder / "sw.ids").open("ab") as stream:
        stream.write(b"more")
    assert open_flat_lines(_lines(tmp_path), folder, "sw").num_tokens == 250


def test_truncation_during_reading_is_detected(tmp_path: Path) -> None:
    flat = open_flat_lines(_lines(tmp_path), tmp_path / "ids", "sw")
    with (tmp_path / "ids" / "sw.ids").open("r+b") as stream:
        stream.truncate(399)
    with pytest.raises(DataError, match=r"sw\.ids is truncated"):
        flat.windows(np.array([0, 98]), 4)


def test_missing_disk_space_is_reported_before_writing(tmp_path: Path) -> None:
    with ShardWriter(
        tmp_path / "train.00000.parquet", kind="mono", languages=("sw",), split="train",
        vocabulary=VOCABULARY, row_group_tokens=10, compression_level=1,
    ) as writer:  # fmt: skip
        writer.write([lines_of([[20]])])
        writer._flush()
        writer.counts["tokens"] = 10**15
    with pytest.raises(StoreError, match=r"the ids of sw need 4,000,000,000,000,004 bytes"):
        open_flat_lines(ShardReader(tmp_path, "train", HASH), tmp_path / "ids", "sw")
    assert not list((tmp_path / "ids").glob("*.ids"))


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "ids").mkdir()
    (tmp_path / "ids" / "sw.ids").mkdir()
    with pytest.raises(StoreError, match="ids: "):
        open_flat_lines(_lines(tmp_path), tmp_path / "ids", "sw")


@pytest.mark.slow
def test_processes_that_start_together_write_one_copy(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    ids = random.integers(14, 1000, 300_000, dtype=np.int32)
    lines = Lines(ids, np.arange(0, 300_001, 30))
    shards = write_rows(tmp_path / "shards", lines, row_group_tokens=20_000)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.starmap(first_ids, [(shards, tmp_path / "ids")] * 4)
    assert found == [[ids[:5].tolist()]] * 4
    record = json.loads((tmp_path / "ids" / "sw.json").read_text())
    assert record["sizes"] == {"sw.ids": 4 * 310_000}


def test_shards_with_equal_footers_have_different_copies(tmp_path: Path) -> None:
    """Counts, sizes and extremes of their footers are equal."""
    one = write_rows(tmp_path / "one", lines_of([[14, 15, 15, 14], [15, 14, 14, 15]]))
    other = write_rows(tmp_path / "other", lines_of([[15, 14, 14, 15], [14, 15, 15, 14]]))
    for folder, first in ((one, 14), (other, 15)):
        flat = open_flat_lines(ShardReader(folder, "train", HASH), tmp_path / "ids", "sw")
        assert flat.windows(np.zeros(1, dtype=np.int64), 1).tolist() == [[first]]
