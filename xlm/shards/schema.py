"""The schema of a shard.

A shard is a Parquet file `{split}.{shard:05d}.parquet` with one row per line or pair, zstd
compression and row groups of about a million tokens. Ids are `list<int32>` WITHOUT `</s>`: a reader
of streams appends id 1 to each line. Lists and ids are not nullable, which makes reading faster,
and each page has a checksum (measurements: docs/explanation/shards.md). The metadata of the file,
`pq.read_metadata(path).metadata`, are text:

    xlm.format, xlm.kind, xlm.languages, xlm.split, xlm.vocabulary_hash, xlm.vocabulary_size,
    xlm.lines, xlm.tokens, xlm.unknown
"""

from typing import Any

from xlm.config.data.text import UnitKind

FORMAT_VERSION = "2"

ID_COLUMNS: dict[UnitKind, tuple[str, ...]] = {
    "mono": ("ids",),
    "pair": ("ids", "ids_2"),
    "xnli": ("premise", "hypothesis"),
    "sentence": ("ids",),
    "sentence-pair": ("premise", "hypothesis"),
}
LANGUAGE_COLUMNS: dict[UnitKind, tuple[str, ...]] = {
    "mono": ("language",),
    "pair": ("language", "language_2"),
    "xnli": ("language",),
    "sentence": ("language",),
    "sentence-pair": ("language",),
}
LABEL_COLUMN = "label"
LABELLED: tuple[UnitKind, ...] = ("xnli", "sentence", "sentence-pair")
"""The kinds whose rows have a label: an id in `xnli`, the name of the label in the others."""

METADATA_PREFIX = "xlm."
COUNTS = ("lines", "tokens", "unknown")


def arrow_schema(kind: UnitKind) -> Any:
    """Return the Arrow schema of a shard; no column is nullable."""
    import pyarrow as pa

    ids = pa.list_(pa.field("element", pa.int32(), nullable=False))
    fields = [pa.field(name, ids, nullable=False) for name in ID_COLUMNS[kind]]
    fields += [pa.field(name, pa.string(), nullable=False) for name in LANGUAGE_COLUMNS[kind]]
    if kind in LABELLED:
        label = pa.int8() if kind == "xnli" else pa.string()
        fields.append(pa.field(LABEL_COLUMN, label, nullable=False))
    return pa.schema(fields)
