"""How ids are laid out in Parquet."""

from pydantic import Field

from xlm.config.data.text import UnitKind
from xlm.engine.config import Config


class ShardsConfig(Config):
    """Row groups are the unit of reading, so their size is a promise about memory."""

    row_group_tokens: int = Field(
        1_000_000,
        gt=0,
        le=100_000_000,
        description="Tokens after which a row group is closed, count.",
    )
    compression_level: int = Field(
        3, ge=1, le=22, description="zstd level; higher is smaller and slower to write."
    )


class ShardSlice(Config):
    """What shapes the Parquet files of one unit."""

    kind: UnitKind
    languages: tuple[str, ...]
    row_group_tokens: int
    compression_level: int
