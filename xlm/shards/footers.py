"""Footers of shards: what a file says it holds, checked.

shard = inspect(path)
check(shard, first=shard, vocabulary_hash=vocabulary.hash)
with opened(shard.path) as file:
    file.read_row_group(0)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from xlm.errors import DataError
from xlm.shards.schema import (
    COUNTS,
    FORMAT_VERSION,
    ID_COLUMNS,
    LANGUAGE_COLUMNS,
    METADATA_PREFIX,
    arrow_schema,
)

MOST_GROUP_BYTES = 1 << 30
"""Of a row group: it is held in memory whole. The default of a million tokens takes 4 MB."""
_MOST_FOOTER_BYTES = 16 << 20
_MOST_FOOTER_ITEMS = 1 << 20
_LONGEST_NUMBER = 18


class ShardFooter(NamedTuple):
    """One file: its metadata without their prefix, its columns, the rows of each row group."""

    path: Path
    metadata: dict[str, str]
    schema: Any
    group_rows: tuple[int, ...]
    largest_group: int
    """Bytes of the largest row group, unpacked, or the number of its values where that is more."""


@contextmanager
def open_shard(path: Path) -> Iterator[Any]:
    """The file as pyarrow reads it: mapped, the checksum of every page compared.

    Raises:
        DataError: from here or from the body, it is no whole Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(
            path,
            memory_map=True,
            page_checksum_verification=True,
            thrift_string_size_limit=_MOST_FOOTER_BYTES,
            thrift_container_size_limit=_MOST_FOOTER_ITEMS,
        ) as file:
            yield file
    # Odd bytes also bring pyarrow to errors of Python: a time zone, a name, a size that is none.
    except (pa.ArrowException, OSError, UnicodeDecodeError, LookupError, OverflowError) as error:
        raise DataError(
            f"{path} cannot be read as Parquet: {' '.join(str(error).split())}",
            fix="rebuild the shards",
        ) from error


def read_footer(path: Path) -> ShardFooter:
    """What the footer says.

    Raises:
        DataError: there is no whole footer.
    """
    with open_shard(path) as file:
        stored, schema = file.metadata.metadata or {}, file.schema_arrow
        groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
        rows = [group.num_rows for group in groups]
        largest = max((_size(group) for group in groups), default=0)
    metadata = {
        name.decode(errors="replace").removeprefix(METADATA_PREFIX): value.decode(errors="replace")
        for name, value in stored.items()
        if name.startswith(METADATA_PREFIX.encode())
    }
    return ShardFooter(path, metadata, schema, tuple(rows), largest)


def _size(group: Any) -> int:
    """What reading a row group takes, as far as its footer says."""
    columns = [group.column(number) for number in range(group.num_columns)]
    sizes = [max(column.total_uncompressed_size, 4 * column.num_values) for column in columns]
    return int(max(group.total_byte_size, sum(sizes)))


def check_footer(shard: ShardFooter, *, first: ShardFooter, vocabulary_hash: str) -> None:
    """Accept a shard of the same split as `first`.

    Raises:
        DataError: another format, vocabulary, kind or language, or metadata that cannot be.
    """
    path, metadata = shard.path, shard.metadata
    if metadata.get("format") != FORMAT_VERSION:
        raise DataError(
            f"{path}: shard format {metadata.get('format')!r}, not {FORMAT_VERSION!r}",
            fix="rebuild the shards",
        )
    required = {"kind", "languages", "vocabulary_hash", "vocabulary_size", *COUNTS}
    missing = required - metadata.keys()
    numbers = [metadata[name] for name in (*COUNTS, "vocabulary_size") if name not in missing]
    if missing or not all(_is_number(number) for number in numbers):
        raise DataError(f"{path}: its metadata are damaged", fix="rebuild the shards")
    if min(shard.group_rows, default=0) < 0 or shard.largest_group > MOST_GROUP_BYTES:
        raise DataError(
            f"{path}: a row group takes {shard.largest_group:,} bytes, more than "
            f"{MOST_GROUP_BYTES:,}",
            fix="rebuild the shards with a smaller shards.row_group_tokens",
        )
    if metadata["vocabulary_hash"] != vocabulary_hash:
        raise DataError(
            f"{path} was made with vocabulary {metadata['vocabulary_hash']}, "
            f"asked for is {vocabulary_hash}",
            fix="build shards and model from the same vocabulary",
        )
    same = ("kind", "languages", "vocabulary_size")
    kinds = [kind for kind in ID_COLUMNS if kind == metadata["kind"]]
    names = metadata["languages"].split(" ")
    if not any(
        shard.schema.equals(arrow_schema(kind)) and len(names) == len(LANGUAGE_COLUMNS[kind])
        for kind in kinds
    ):
        raise DataError(f"{path} has other columns than a shard", fix="rebuild the shards")
    if any(metadata[name] != first.metadata[name] for name in same):
        raise DataError(
            f"{path} holds {metadata['kind']} {metadata['languages']}, "
            f"{first.path.name} {first.metadata['kind']} {first.metadata['languages']}",
            fix="rebuild the shards",
        )
    if int(metadata["lines"]) != sum(shard.group_rows):
        raise DataError(
            f"{path} has {sum(shard.group_rows)} rows, its metadata say {metadata['lines']}",
            fix="rebuild the shards",
        )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER


def shard_number(path: Path) -> tuple[int, str]:
    """Shards in the order of their numbers, which may grow a sixth digit."""
    number = path.name.split(".")[-2]
    return (int(number) if number.isdecimal() else -1), path.name
