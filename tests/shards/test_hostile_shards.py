"""Hostile shards: ids outside the vocabulary, forged footers, mutated bytes."""

import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.tiny_world import TinyWorld
from xlm.bpe.vocabulary import Vocabulary, load_vocabulary
from xlm.config.data.tasks import XNLI_LABELS
from xlm.errors import DataError
from xlm.shards import footers
from xlm.shards.lines import Lines
from xlm.shards.reader import ShardReader, read_examples, read_lines, read_pairs
from xlm.shards.writer import ShardWriter


def _write(folder: Path, vocabulary: Vocabulary, ids: list[int], labels: list[int]) -> None:
    lines = Lines(np.array(ids, dtype=np.int32), np.array([0, len(ids)], dtype=np.int64))
    kind = "xnli" if labels else "mono"
    with ShardWriter(
        folder / "train.00000.parquet", kind=kind, languages=("en",), split="train",
        vocabulary=vocabulary, row_group_tokens=1000, compression_level=1,
    ) as writer:  # fmt: skip
        if labels:
            writer.write([lines, lines], [XNLI_LABELS[0]] * len(labels))
        else:
            writer.write([lines])


@pytest.mark.parametrize("ids", [[14, 10**6], [-1, 14], [2**31 - 1], [14, -(2**31)]])
def test_ids_outside_the_vocabulary_are_refused(
    world: TinyWorld, tmp_path: Path, ids: list[int]
) -> None:
    vocabulary = load_vocabulary(world.vocabulary)
    _write(tmp_path, vocabulary, ids, [])
    with pytest.raises(DataError, match=f"but the vocabulary has {vocabulary.size}"):
        read_lines(tmp_path, "train", vocabulary.hash)


def test_the_last_id_is_accepted_and_the_next_is_not(world: TinyWorld, tmp_path: Path) -> None:
    vocabulary = load_vocabulary(world.vocabulary)
    _write(tmp_path, vocabulary, [0, vocabulary.size - 1], [])
    assert read_lines(tmp_path, "train", vocabulary.hash).ids.max() == vocabulary.size - 1
    _write(tmp_path, vocabulary, [vocabulary.size], [])
    with pytest.raises(DataError, match="has ids from"):
        read_lines(tmp_path, "train", vocabulary.hash)


def test_another_vocabulary_size_is_refused(world: TinyWorld) -> None:
    vocabulary = load_vocabulary(world.vocabulary)
    ShardReader(world.mono["en"], "train", vocabulary.hash, vocabulary.size)
    with pytest.raises(DataError, match=f"of {vocabulary.size} ids, not 99"):
        ShardReader(world.mono["en"], "train", vocabulary.hash, 99)


@pytest.mark.parametrize("label", [3, -1, 127])
def test_invalid_labels_are_refused(world: TinyWorld, tmp_path: Path, label: int) -> None:
    vocabulary = load_vocabulary(world.vocabulary)
    _write(tmp_path, vocabulary, [14], [0])
    path = tmp_path / "train.00000.parquet"
    table = pq.read_table(path)
    column = table.schema.get_field_index("label")
    labels = pa.array([label], type=pa.int8())
    stored = pq.read_metadata(path).metadata
    changed = table.set_column(column, table.schema.field(column), labels)
    pq.write_table(changed.replace_schema_metadata(stored), path)
    with pytest.raises(DataError, match="a label is not between 0 and 2"):
        read_examples(tmp_path, "train", vocabulary.hash, XNLI_LABELS)


def _with_metadata(source: Path, target: Path, **changes: str) -> None:
    """Write the same rows with other metadata."""
    stored = pq.read_metadata(source).metadata
    metadata = {
        name.decode(): value.decode() for name, value in stored.items() if name != b"ARROW:schema"
    }
    metadata |= {f"xlm.{name}": value for name, value in changes.items()}
    table = pq.read_table(source)
    with pq.ParquetWriter(target, table.schema) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(metadata)


@pytest.mark.parametrize(
    "changes",
    [
        {"lines": "9" * 5000}, {"tokens": "٣"}, {"vocabulary_size": "-1"}, {"languages": "en fr"},
        {"vocabulary_size": "9" * 19}, {"kind": "pair"}, {"kind": ""}, {"lines": "1"},
        {"vocabulary_size": "14"}, {"format": "9" * 5000},
    ],
)  # fmt: skip
def test_forged_metadata_are_refused_in_one_line(
    world: TinyWorld, tmp_path: Path, changes: dict[str, str]
) -> None:
    vocabulary = load_vocabulary(world.vocabulary)
    _with_metadata(
        world.mono["en"] / "train.00000.parquet", tmp_path / "train.00000.parquet", **changes
    )
    with pytest.raises(DataError) as caught:
        read_lines(tmp_path, "train", vocabulary.hash)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_row_group_that_is_too_large_is_not_read(
    world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The footer shows that a few kilobytes decompress to a hundred megabytes."""
    vocabulary = load_vocabulary(world.vocabulary)
    lines = Lines(np.full(1 << 25, 14, np.int32), np.array([0, 1 << 25], dtype=np.int64))
    path = tmp_path / "train.00000.parquet"
    with ShardWriter(
        path, kind="mono", languages=("en",), split="train", vocabulary=vocabulary,
        row_group_tokens=1 << 26, compression_level=1,
    ) as writer:  # fmt: skip
        writer.write([lines])
    assert path.stat().st_size < 1 << 20
    monkeypatch.setattr(footers, "MAX_GROUP_BYTES", 100 << 20)
    with pytest.raises(DataError, match="a row group takes 134,"):
        ShardReader(tmp_path, "train", vocabulary.hash)


def _error_message(read: Callable[..., object], directory: Path, vocabulary: Vocabulary) -> str:
    try:
        read(directory, "valid", vocabulary.hash)
    except DataError as error:
        return str(error)
    return ""


@pytest.mark.slow
def test_fuzz_mutated_shards(
    world: TinyWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vocabulary, rng = load_vocabulary(world.vocabulary), random.Random(5)
    kinds = [
        (world.mono["sw"], read_lines), (world.pairs["en-sw"], read_pairs),
        (world.xnli["en"], partial(read_examples, labels=XNLI_LABELS)),
    ]  # fmt: skip
    path, end = tmp_path / "valid.00000.parquet", time.monotonic() + 15
    tried = refused = 0
    while tried < 600 and time.monotonic() < end:
        directory, read = kinds[tried % len(kinds)]
        content = bytearray((directory / path.name).read_bytes())
        # Most changes go to the footer and the page headers, which have no checksum.
        begin = 4 if tried % 4 == 0 else max(4, len(content) - 2500)
        for _ in range(rng.randrange(1, 4)):
            position = rng.randrange(begin, len(content))
            content[position] = rng.randrange(256)
        if tried % 10 == 0:
            del content[rng.randrange(len(content)) :]
        path.write_bytes(content)
        line = _error_message(read, tmp_path, vocabulary)
        assert "\n" not in line
        refused += bool(line)
        tried += 1
    with capsys.disabled():
        print(f"\n{tried} mutated shards, {refused} refused, each in one line")
    assert refused > tried // 4
    assert pa.total_allocated_bytes() < 100 << 20
