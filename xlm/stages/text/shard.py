"""Stage shard: convert subwords to ids in Parquet files."""

import logging
from collections.abc import Mapping
from pathlib import Path

from xlm.config.data.shards import ShardSlice
from xlm.config.pipeline import PipelineConfig
from xlm.engine.stage import ALL, FileJob, Node, Stage, StageContext, StageResult
from xlm.stages.text.split_files import counts_by_split, text_files
from xlm.stages.units import kind_of_unit, languages_of_unit, text_units

log = logging.getLogger(__name__)


def _slice(config: PipelineConfig, unit: str) -> ShardSlice:
    """The layout of the files, and the languages that they record."""
    return ShardSlice(
        kind=kind_of_unit(unit), languages=languages_of_unit(unit), **config.shards.model_dump()
    )


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    return {"text": Node("apply-bpe", unit), "vocabulary": Node("vocabulary", ALL)}


def run(context: StageContext[ShardSlice]) -> StageResult:
    """Write one Parquet file for each text file, or for both sides of a pair."""
    from xlm.bpe.counting import unknown_tokens_warning

    grouped: dict[tuple[str, str], list[Path]] = {}
    for file in text_files(context.inputs["text"]):
        # Groups both sides of a pair, in alphabetical order of their languages.
        grouped.setdefault((file.split, file.shard), []).append(file.path)
    jobs = [
        FileJob(
            name=f"{split}.{shard}",
            sources=(*paths, context.inputs["vocabulary"]),
            targets=(context.out / f"{split}.{shard}.parquet",),
            options={"split": split, **context.config.model_dump(mode="json")},
        )
        for (split, shard), paths in sorted(grouped.items())
    ]
    found = context.map_files(_shard, jobs)
    counts = counts_by_split([job.options["split"] for job in jobs], found)
    unknown, tokens = (
        sum(count for name, count in counts.items() if name.endswith(f"_{kind}"))
        for kind in ("unknown", "tokens")
    )
    percent: dict[str, float] = {}
    if warning := unknown_tokens_warning(context.unit, unknown, tokens):
        log.warning("%s", warning)
        percent = {"unknown_percent": round(100 * unknown / tokens, 1)}
    return StageResult(counts={**counts, **percent})


def _shard(job: FileJob) -> dict[str, int]:
    from xlm.shards.from_text import write_shard

    *texts, vocabulary = job.sources
    return write_shard(texts, job.targets[0], vocabulary=vocabulary, **job.options)


SHARD = Stage(
    name="shard",
    version=2,
    summary="convert subwords to token ids in Parquet shards",
    units=text_units,
    upstream=_upstream,
    slice=_slice,
    run=run,
    tools=("pyarrow",),
)
