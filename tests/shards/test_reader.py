"""Reading from any row, and the errors for damaged files."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.shards.rows import HASH, VOCABULARY, lines_of, rows_of, write_rows
from xlm.bpe.vocabulary import SPECIAL_TOKENS
from xlm.errors import DataError
from xlm.shards.encoder import LineEncoder
from xlm.shards.lines import Lines
from xlm.shards.reader import RowPosition, ShardReader, read_lines

ENCODER = LineEncoder(VOCABULARY)
ROWS = st.lists(st.lists(st.integers(0, 1013), max_size=9), max_size=40)
NEW_EXAMPLES = settings(max_examples=40, deadline=None)


@NEW_EXAMPLES
@given(
    tokens=st.lists(
        st.lists(
            st.sampled_from(("w1", "w77", "unknown", "</s>", "<unk>", "<special3>")) | st.text()
        )
    ),
    space=st.sampled_from((" ", "\t", "\u3000", "  ", "\x1c")),
)
def test_lines_are_encoded_as_the_vocabulary_does(tokens: list[list[str]], space: str) -> None:
    texts = [space.join(line) for line in tokens]
    found = rows_of(ENCODER.encode(texts))
    assert found == [VOCABULARY.ids(text.split()) for text in texts]
    assert SPECIAL_TOKENS.index("<unk>") == 3


@pytest.mark.slow
def test_white_space_is_as_in_python() -> None:
    letters = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
    blocks = ("w1" + letter + "w2" for letter in letters)
    split = {
        letters[i] for i, n in enumerate(np.diff(ENCODER.encode(list(blocks)).offsets)) if n > 1
    }
    assert split == {letter for letter in letters if letter.isspace()}


@pytest.mark.slow
@NEW_EXAMPLES
@given(rows=ROWS, shards=st.integers(1, 4), row_group_tokens=st.integers(1, 30), data=st.data())
def test_reading_from_any_row_equals_slicing(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[list[int]],
    shards: int,
    row_group_tokens: int,
    data: st.DataObject,
) -> None:
    folder = write_rows(
        tmp_path_factory.mktemp("shards"),
        lines_of(rows),
        shards=shards,
        row_group_tokens=row_group_tokens,
    )
    reader = ShardReader(folder, "train", HASH)
    assert reader.num_rows == reader.counts["lines"] == len(rows)
    assert [row for (block,) in reader.blocks() for row in rows_of(block)] == rows
    if rows:
        start = data.draw(st.integers(0, len(rows) - 1))
        position = reader.position_of(start)
        assert [row for (block,) in reader.blocks(position) for row in rows_of(block)] == rows[
            start:
        ]
    for missing in (-1, len(rows)):
        with pytest.raises(IndexError):
            reader.position_of(missing)


def test_a_position_is_a_shard_a_row_group_and_a_row(tmp_path: Path) -> None:
    folder = write_rows(tmp_path, lines_of([[20]] * 10), shards=2, row_group_tokens=2)
    reader = ShardReader(folder, "train", HASH)
    positions = [reader.position_of(row) for row in (0, 1, 2, 4, 5, 9)]
    expected = [(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 2, 0), (1, 0, 0), (1, 2, 0)]
    assert positions == [RowPosition(*position) for position in expected]


def test_each_block_is_a_view_of_one_row_group(tmp_path: Path) -> None:
    folder = write_rows(tmp_path, lines_of([[20, 21]] * 9), row_group_tokens=6)
    blocks = [block for (block,) in ShardReader(folder, "train", HASH).blocks()]
    assert [len(block) for block in blocks] == [3, 3, 3]
    assert all(block.ids.base is not None and block.ids.dtype == np.int32 for block in blocks)


def test_seeking_decodes_nothing_before_the_position(tmp_path: Path) -> None:
    folder = write_rows(tmp_path, lines_of([[20] * 50] * 40), shards=2, row_group_tokens=500)
    path = folder / "train.00000.parquet"
    content = bytearray(path.read_bytes())
    content[4:200] = bytes(196)  # the first row groups of the first shard
    path.write_bytes(content)
    reader = ShardReader(folder, "train", HASH)
    with pytest.raises(DataError):
        list(reader.blocks())
    assert sum(len(block) for (block,) in reader.blocks(reader.position_of(20))) == 20


def test_a_row_group_of_empty_lines_is_limited(tmp_path: Path) -> None:
    folder = write_rows(tmp_path, lines_of([[]] * 25), row_group_tokens=10)
    blocks = [len(block) for (block,) in ShardReader(folder, "train", HASH).blocks()]
    assert blocks == [10, 10, 5]


def test_shards_are_sorted_by_number_not_by_name(tmp_path: Path) -> None:
    for number in (100_000, 99_999):
        folder = write_rows(tmp_path, lines_of([[number % 1000]]))
        (folder / "train.00000.parquet").rename(folder / f"train.{number}.parquet")
    assert read_lines(folder, "train", HASH).ids.tolist() == [999, 1, 0, 1]


def _lines() -> Lines:
    random = np.random.default_rng(0)
    return lines_of([random.integers(14, 1000, 12).tolist() for _ in range(50)])


@pytest.mark.slow
def test_a_changed_byte_is_detected_or_changes_no_id(tmp_path: Path) -> None:
    """Without page checksums, most of these changes would silently change ids."""
    folder = write_rows(tmp_path, _lines(), row_group_tokens=200)
    path = folder / "train.00000.parquet"
    content = path.read_bytes()
    original = read_lines(folder, "train", HASH)
    refused = []
    # Each bit of the first page headers, then one bit of every seventh byte.
    head = [(offset, 1 << bit) for offset in range(48) for bit in range(8)]
    changes = head + [(offset, 1 << offset % 8) for offset in range(48, len(content), 7)]
    for offset, bits in changes:
        path.write_bytes(content[:offset] + bytes([content[offset] ^ bits]) + content[offset + 1 :])
        try:
            found = read_lines(folder, "train", HASH)
        except DataError as error:
            refused.append(str(error))
        else:
            np.testing.assert_array_equal(found.ids, original.ids)
            np.testing.assert_array_equal(found.offsets, original.offsets)
    assert len(refused) > len(changes) // 3
    assert all("train.00000.parquet" in line and "\n" not in line for line in refused)


def test_a_truncated_file_is_refused_in_one_line(tmp_path: Path) -> None:
    folder = write_rows(tmp_path, _lines(), row_group_tokens=200)
    path = folder / "train.00000.parquet"
    content = path.read_bytes()
    for length in range(0, len(content), 31):
        path.write_bytes(content[:length])
        with pytest.raises(DataError, match=r"^[^\n]*train\.00000\.parquet[^\n]*$"):
            read_lines(folder, "train", HASH)


def test_a_shard_with_incomplete_metadata_is_refused(tmp_path: Path) -> None:
    metadata = {"xlm.format": "2", "xlm.kind": "mono", "xlm.lines": "one"}
    pq.write_table(
        pa.table({"ids": [[1]]}).replace_schema_metadata(metadata), tmp_path / "train.00000.parquet"
    )
    with pytest.raises(DataError, match=r"00000\.parquet has damaged metadata"):
        ShardReader(tmp_path, "train", HASH)


def test_shards_of_two_languages_are_refused(tmp_path: Path) -> None:
    folder = write_rows(tmp_path, lines_of([[20]]), languages=("en",))
    (folder / "train.00000.parquet").rename(folder / "train.00001.parquet")
    write_rows(tmp_path, lines_of([[20]]), languages=("sw",))
    with pytest.raises(
        DataError, match=r"00001\.parquet contains mono en, but .* contains mono sw"
    ):
        ShardReader(folder, "train", HASH)
