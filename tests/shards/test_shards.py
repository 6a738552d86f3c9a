"""Shards are read back by this package, by pyarrow and by `datasets`."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlm.bpe.vocabulary import SPECIAL_TOKENS, Vocabulary, write_vocabulary
from xlm.config.data.tasks import XNLI_LABELS
from xlm.errors import DataError
from xlm.shards.encoder import LineEncoder
from xlm.shards.from_text import write_shard
from xlm.shards.reader import ShardReader, read_examples, read_lines, read_pairs
from xlm.shards.writer import ShardWriter

WORDS = ("a", "b@@", "c")
VOCABULARY = Vocabulary(SPECIAL_TOKENS + WORDS, (0,) * len(SPECIAL_TOKENS) + (5, 3, 2))
HASH = VOCABULARY.hash


@pytest.fixture
def vocabulary(tmp_path: Path) -> Path:
    folder = tmp_path / "vocabulary"
    folder.mkdir()
    write_vocabulary(VOCABULARY, folder)
    return folder


def _write(
    tmp_path: Path,
    vocabulary: Path,
    *texts: str,
    kind: str = "mono",
    languages: tuple[str, ...] = ("sw",),
    name: str = "train.00000",
    row_group_tokens: int = 1000,
) -> Path:
    sources = []
    for number, text in enumerate(texts):
        sources.append(tmp_path / f"{name}.{number}")
        sources[-1].write_text(text, encoding="utf-8", newline="\n")
    folder = tmp_path / "shards"
    folder.mkdir(exist_ok=True)
    write_shard(
        sources,
        folder / f"{name}.parquet",
        kind=kind,  # type: ignore[arg-type]
        languages=languages,
        split=name.split(".")[0],
        vocabulary=vocabulary,
        row_group_tokens=row_group_tokens,
        compression_level=3,
    )
    return folder


def test_lines_are_read_back_with_eos_after_each(tmp_path: Path, vocabulary: Path) -> None:
    _write(tmp_path, vocabulary, "a c\n\nunknown b@@ c\n")
    folder = _write(tmp_path, vocabulary, "c\n", name="train.00001")
    lines = read_lines(folder, "train", HASH)
    assert lines.ids.dtype == np.int32
    assert lines.offsets.dtype == np.int64
    assert lines.ids.tolist() == [14, 16, 1, 1, 3, 15, 16, 1, 16, 1]
    assert lines.offsets.tolist() == [0, 3, 4, 8, 10]
    assert len(lines) == 4
    assert ShardReader(folder, "train", HASH).counts == {"lines": 4, "tokens": 6, "unknown": 1}


@settings(max_examples=30, deadline=None)
@given(
    texts=st.lists(st.lists(st.sampled_from(WORDS), max_size=5), max_size=20),
    row_group_tokens=st.integers(1, 12),
)
def test_row_groups_do_not_change_the_lines(
    tmp_path_factory: pytest.TempPathFactory, texts: list[list[str]], row_group_tokens: int
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    with ShardWriter(
        folder / "train.00000.parquet",
        kind="mono",
        languages=("sw",),
        split="train",
        vocabulary=VOCABULARY,
        row_group_tokens=row_group_tokens,
        compression_level=1,
    ) as writer:
        writer.write([LineEncoder(VOCABULARY).encode([" ".join(words) for words in texts])])
    lines = read_lines(folder, "train", HASH)
    expected = [[*VOCABULARY.ids(words), 1] for words in texts]
    assert len(lines) == len(texts)
    for number, ids in enumerate(expected):
        assert lines.ids[lines.offsets[number] : lines.offsets[number + 1]].tolist() == ids


def test_pairs_are_aligned_and_have_no_eos(tmp_path: Path, vocabulary: Path) -> None:
    folder = _write(tmp_path, vocabulary, "a\nc c\n", "c\n\n", kind="pair", languages=("en", "sw"))
    pairs = read_pairs(folder, "train", HASH)
    assert pairs.languages == ("en", "sw")
    assert pairs.first.ids.tolist() == [14, 16, 16]
    assert pairs.first.offsets.tolist() == [0, 1, 3]
    assert pairs.second.ids.tolist() == [16]
    assert pairs.second.offsets.tolist() == [0, 1, 1]


@pytest.mark.parametrize("sides", [("a\n", "a\nc\n"), ("a\nc\n", "a\n")])
def test_sides_of_unequal_length_are_refused(
    tmp_path: Path, vocabulary: Path, sides: tuple[str, str]
) -> None:
    shorter = min(range(2), key=lambda side: len(sides[side]))
    with pytest.raises(DataError, match=rf"train\.00000\.{shorter} ends before line 2"):
        _write(tmp_path, vocabulary, *sides, kind="pair", languages=("en", "sw"))


def test_a_pair_without_its_second_side_is_refused(tmp_path: Path, vocabulary: Path) -> None:
    with pytest.raises(DataError, match=r"needs 2 text files, not .*train\.00000\.0"):
        _write(tmp_path, vocabulary, "a\n", kind="pair", languages=("en", "sw"))


def test_xnli_rows_have_labels(tmp_path: Path, vocabulary: Path) -> None:
    text = "a\tc\tentailment\nc\t\tcontradiction\na\ta\tneutral\n"
    folder = _write(tmp_path, vocabulary, text, kind="xnli")
    pairs = read_examples(folder, "train", HASH, XNLI_LABELS)
    assert pairs.second is not None
    assert pairs.labels.tolist() == [2, 0, 1]
    assert pairs.first.ids.tolist() == [14, 16, 14]
    assert pairs.second.offsets.tolist() == [0, 1, 1, 2]


@pytest.mark.parametrize("row", ["a\tc\tcontradictory", "a\tneutral"])
def test_a_malformed_xnli_row_is_reported(tmp_path: Path, vocabulary: Path, row: str) -> None:
    with pytest.raises(DataError, match=r"train\.00000\.0, line 1"):
        _write(tmp_path, vocabulary, row + "\n", kind="xnli")


def test_another_vocabulary_is_refused_with_both_hashes(tmp_path: Path, vocabulary: Path) -> None:
    folder = _write(tmp_path, vocabulary, "a\n")
    with pytest.raises(DataError) as caught:
        read_lines(folder, "train", "f" * 64)
    assert HASH in str(caught.value)
    assert "f" * 64 in str(caught.value)


def test_missing_split_wrong_kind_and_damaged_file_are_refused(
    tmp_path: Path, vocabulary: Path
) -> None:
    folder = _write(tmp_path, vocabulary, "a\n")
    with pytest.raises(DataError, match="no shards of split 'valid'"):
        read_lines(folder, "valid", HASH)
    with pytest.raises(DataError, match="kind 'mono', not 'pair'"):
        read_pairs(folder, "train", HASH)
    path = folder / "train.00000.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"train\.00000\.parquet cannot be read as Parquet"):
        read_lines(folder, "train", HASH)


def test_other_parquet_files_are_refused(tmp_path: Path) -> None:
    import pyarrow as pa

    pq.write_table(pa.table({"ids": [[1]]}), tmp_path / "train.00000.parquet")
    with pytest.raises(DataError, match="shard format None"):
        read_lines(tmp_path, "train", HASH)


def test_pyarrow_reads_columns_metadata_and_row_groups(tmp_path: Path, vocabulary: Path) -> None:
    folder = _write(tmp_path, vocabulary, "a c\n" * 10, row_group_tokens=8)
    file = pq.ParquetFile(folder / "train.00000.parquet")
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [4, 4, 2]
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    table = file.read()
    assert table.column_names == ["ids", "language"]
    assert table.to_pylist()[9] == {"ids": [14, 16], "language": "sw"}
    metadata = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    assert metadata["xlm.vocabulary_hash"] == HASH
    assert metadata["xlm.vocabulary_size"] == "17"
    assert metadata["xlm.lines"] == "10"
    assert metadata["xlm.tokens"] == "20"
    assert metadata["xlm.languages"] == "sw"
    assert metadata["xlm.split"] == "train"


@pytest.mark.slow
def test_datasets_reads_each_kind(tmp_path: Path, vocabulary: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = {
        "mono": (("a c\n",), ("sw",)),
        "pair": (("a\n", "c\n"), ("en", "sw")),
        "xnli": (("a\tc\tneutral\n",), ("sw",)),
    }
    expected = {
        "mono": {"ids": [14, 16], "language": "sw"},
        "pair": {"ids": [14], "ids_2": [16], "language": "en", "language_2": "sw"},
        "xnli": {"premise": [14], "hypothesis": [16], "language": "sw", "label": 1},
    }
    for kind, (texts, languages) in rows.items():
        folder = _write(
            tmp_path, vocabulary, *texts, kind=kind, languages=languages, name=f"{kind}.00000"
        )
        loaded = datasets.load_dataset(
            "parquet",
            data_files=str(folder / f"{kind}.00000.parquet"),
            split="train",
            cache_dir=str(tmp_path / "cache"),
        )
        assert loaded[0] == expected[kind]


def test_an_error_while_writing_is_not_hidden(tmp_path: Path) -> None:
    with (
        pytest.raises(KeyError),
        ShardWriter(
            tmp_path / "x.parquet",
            kind="mono",
            languages=("sw",),
            split="train",
            vocabulary=VOCABULARY,
            row_group_tokens=10,
            compression_level=1,
        ),
    ):
        raise KeyError
