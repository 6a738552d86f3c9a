"""Read and check the footers of shards.

footer = read_footer(path)
check_footer(footer, first=footer, vocabulary_hash=vocabulary.hash)
with open_shard(footer.path) as file:
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

MAX_GROUP_BYTES = 1 << 30
"""Limit of a row group, which is read into memory. The default, a million tokens, has 4 MB."""
_MAX_FOOTER_BYTES = 16 << 20
_MAX_FOOTER_ITEMS = 1 << 20
_MAX_NUMBER_DIGITS = 18


class ShardFooter(NamedTuple):
    """The footer of a shard: metadata without their prefix, schema, and rows of each row group."""

    path: Path
    metadata: dict[str, str]
    schema: Any
    group_rows: tuple[int, ...]
    largest_group: int
    """Bytes of the largest row group, uncompressed; 4 bytes for each value if that is more."""


@contextmanager
def open_shard(path: Path) -> Iterator[Any]:
    """Open a shard with pyarrow, memory-mapped; reading verifies the checksum of each page.

    Raises:
        DataError: the file is not a complete Parquet file; also raised for errors of the body.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(
            path,
            memory_map=True,
            page_checksum_verification=True,
            thrift_string_size_limit=_MAX_FOOTER_BYTES,
            thrift_container_size_limit=_MAX_FOOTER_ITEMS,
        ) as file:
            yield file
    # Damaged bytes also make pyarrow raise errors of Python: for a time zone, a name or a size.
    except (pa.ArrowException, OSError, UnicodeDecodeError, LookupError, OverflowError) as error:
        raise DataError(
            f"{path} cannot be read as Parquet: {' '.join(str(error).split())}",
            fix="rebuild the shards",
        ) from error


def read_footer(path: Path) -> ShardFooter:
    """Read the footer of a shard.

    Raises:
        DataError: the footer is incomplete.
    """
    with open_shard(path) as file:
        stored, schema = file.metadata.metadata or {}, file.schema_arrow
        groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
        rows = [group.num_rows for group in groups]
        largest = max((_group_bytes(group) for group in groups), default=0)
    metadata = {
        name.decode(errors="replace").removeprefix(METADATA_PREFIX): value.decode(errors="replace")
        for name, value in stored.items()
        if name.startswith(METADATA_PREFIX.encode())
    }
    return ShardFooter(path, metadata, schema, tuple(rows), largest)


def _group_bytes(group: Any) -> int:
    """Memory for reading a row group, according to its footer."""
    columns = [group.column(number) for number in range(group.num_columns)]
    sizes = [max(column.total_uncompressed_size, 4 * column.num_values) for column in columns]
    return int(max(group.total_byte_size, sum(sizes)))


def check_footer(footer: ShardFooter, *, first: ShardFooter, vocabulary_hash: str) -> None:
    """Check that a shard has this format and vocabulary, and belongs to the split of `first`.

    Raises:
        DataError: format, vocabulary, kind or languages differ, or the metadata are invalid.
    """
    path, metadata = footer.path, footer.metadata
    if metadata.get("format") != FORMAT_VERSION:
        raise DataError(
            f"{path} has shard format {metadata.get('format')!r}, not {FORMAT_VERSION!r}",
            fix="rebuild the shards",
        )
    required = {"kind", "languages", "vocabulary_hash", "vocabulary_size", *COUNTS}
    missing = required - metadata.keys()
    numbers = [metadata[name] for name in (*COUNTS, "vocabulary_size") if name not in missing]
    if missing or not all(_is_number(number) for number in numbers):
        raise DataError(f"{path} has damaged metadata", fix="rebuild the shards")
    if min(footer.group_rows, default=0) < 0 or footer.largest_group > MAX_GROUP_BYTES:
        raise DataError(
            f"{path}: a row group takes {footer.largest_group:,} bytes, more than "
            f"{MAX_GROUP_BYTES:,}",
            fix="rebuild the shards with a smaller shards.row_group_tokens",
        )
    if metadata["vocabulary_hash"] != vocabulary_hash:
        raise DataError(
            f"{path} was made with vocabulary {metadata['vocabulary_hash']}, "
            f"not with {vocabulary_hash}",
            fix="build shards and model from the same vocabulary",
        )
    same = ("kind", "languages", "vocabulary_size")
    kinds = [kind for kind in ID_COLUMNS if kind == metadata["kind"]]
    names = metadata["languages"].split(" ")
    if not any(
        footer.schema.equals(arrow_schema(kind)) and len(names) == len(LANGUAGE_COLUMNS[kind])
        for kind in kinds
    ):
        raise DataError(f"{path} does not have the columns of a shard", fix="rebuild the shards")
    if any(metadata[name] != first.metadata[name] for name in same):
        raise DataError(
            f"{path} contains {metadata['kind']} {metadata['languages']}, but {first.path.name} "
            f"contains {first.metadata['kind']} {first.metadata['languages']}",
            fix="rebuild the shards",
        )
    if int(metadata["lines"]) != sum(footer.group_rows):
        raise DataError(
            f"{path} has {sum(footer.group_rows)} rows, but its metadata count {metadata['lines']}",
            fix="rebuild the shards",
        )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MAX_NUMBER_DIGITS


def shard_number(path: Path) -> tuple[int, str]:
    """Sort key of shards: by their number, which can have more than five digits."""
    number = path.name.split(".")[-2]
    return (int(number) if number.isdecimal() else -1), path.name
