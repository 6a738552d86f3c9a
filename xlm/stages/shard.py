"""shard[language | pair | xnli.language]: pieces to ids in Parquet."""

from collections.abc import Mapping

from xlm.config.base import Config
from xlm.config.pipeline import PipelineConfig
from xlm.stages.stage import ALL, Node, Outcome, Stage, Work
from xlm.stages.units import Kind, kind_of, languages_of, text_units


class ShardSlice(Config):
    """What shapes the Parquet files of one unit."""

    kind: Kind
    languages: tuple[str, ...]
    row_group_tokens: int
    compression_level: int


def shard_slice(config: PipelineConfig, unit: str) -> ShardSlice:
    """The layout, and the languages that are written into the files."""
    return ShardSlice(
        kind=kind_of(unit), languages=languages_of(unit), **config.shards.model_dump()
    )


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    return {"text": Node("apply-bpe", unit), "vocabulary": Node("vocabulary", ALL)}


def run(work: Work[ShardSlice]) -> Outcome:
    """Write one Parquet file for each text file (or for both sides of a pair)."""
    from xlm.shards.files import shard_directory

    return shard_directory(work)


SHARD = Stage(
    name="shard",
    version=1,
    summary="write ids as Parquet shards",
    units=text_units,
    upstream=_upstream,
    slice=shard_slice,
    run=run,
    tools=("pyarrow",),
)
