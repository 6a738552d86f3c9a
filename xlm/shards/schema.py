"""The layout of a shard, known to writer and reader.

A shard is one Parquet file `{split}.{shard:05d}.parquet`, one row per line or pair, zstd, row
groups of about a million tokens. Ids are `list<int32>` WITHOUT `</s>`: whoever reads a stream puts
id 1 behind each line. Neither lists nor ids can be null, which makes them faster to read, and every
page carries a checksum (docs/explanation/shards.md has the measurements). The file's metadata
(`pq.read_metadata(path).metadata`, all values text) says what it holds:

    xlm.format, xlm.kind, xlm.languages, xlm.split, xlm.vocabulary_hash, xlm.vocabulary_size,
    xlm.lines, xlm.tokens, xlm.unknown
"""

from typing import Any, Literal

FORMAT_VERSION = "2"

ShardKind = Literal["mono", "pair", "xnli"]

ID_COLUMNS: dict[ShardKind, tuple[str, ...]] = {
    "mono": ("ids",),
    "pair": ("ids", "ids_2"),
    "xnli": ("premise", "hypothesis"),
}
LANGUAGE_COLUMNS: dict[ShardKind, tuple[str, ...]] = {
    "mono": ("language",),
    "pair": ("language", "language_2"),
    "xnli": ("language",),
}
LABEL_COLUMN = "label"
LABELS = ("contradiction", "neutral", "entailment")
"""Labels by id (XLM: the order of its label file)."""

METADATA_PREFIX = "xlm."
COUNTS = ("lines", "tokens", "unknown")


def arrow_schema(kind: ShardKind) -> Any:
    """The columns of a shard; nothing is ever null."""
    import pyarrow as pa

    ids = pa.list_(pa.field("element", pa.int32(), nullable=False))
    fields = [pa.field(name, ids, nullable=False) for name in ID_COLUMNS[kind]]
    fields += [pa.field(name, pa.string(), nullable=False) for name in LANGUAGE_COLUMNS[kind]]
    if kind == "xnli":
        fields.append(pa.field(LABEL_COLUMN, pa.int8(), nullable=False))
    return pa.schema(fields)
