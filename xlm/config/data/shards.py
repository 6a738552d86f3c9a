"""Settings of the Parquet shards, and the slice of stage shard."""

from pydantic import Field

from xlm.config.data.text import UnitKind
from xlm.engine.config import Config


class ShardsConfig(Config):
    """Layout of the Parquet files. Readers load one row group at a time."""

    row_group_tokens: int = Field(
        1_000_000,
        gt=0,
        le=100_000_000,
        description="Number of tokens after which a row group ends; it bounds the memory of "
        "readers.",
    )
    compression_level: int = Field(
        3,
        ge=1,
        le=22,
        description="Compression level of zstd; a higher level is smaller and slower to write.",
    )


class ShardSlice(Config):
    """Settings that determine the Parquet files of one unit."""

    kind: UnitKind
    languages: tuple[str, ...]
    row_group_tokens: int
    compression_level: int
