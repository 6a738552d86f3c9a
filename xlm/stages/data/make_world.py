"""Stage make-world: write the synthetic sample world as a mirror of the real servers.

Stage download reads `out/mirror/<host>/<path>`, so the code that downloads from the real servers
also runs offline.
"""

from collections.abc import Mapping, Sequence

from xlm.config.data.corpora import WikipediaSource
from xlm.config.data.sample import MakeWorldSlice
from xlm.config.pipeline import PipelineConfig
from xlm.engine.stage import ALL, Node, Stage, StageContext, StageResult
from xlm.errors import ConfigError

MIRROR = "mirror"
"""Folder in `out` that contains the mirror."""


def _units(config: PipelineConfig) -> Sequence[str]:
    """One unit if the profile has a sample world, none if its data are real."""
    return () if config.sample is None else (ALL,)


def _slice(config: PipelineConfig, unit: str) -> MakeWorldSlice:
    """The settings of the world, which always contains all its languages."""
    if config.sample is None:
        raise ConfigError("make-world: the profile has no sample world", fix="set sample.seed")
    wikipedia = config.sources.wikipedia or WikipediaSource()
    return MakeWorldSlice(sample=config.sample, date=wikipedia.date)


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    return {}


def run(context: StageContext[MakeWorldSlice]) -> StageResult:
    """Write the mirror to `out/mirror`; the counts are those of its contents."""
    from xlm.sample.files.mirror import write_mirror

    config = context.config
    return StageResult(
        counts=write_mirror(context.out / MIRROR, config.sample, config.date, context.mapper)
    )


MAKE_WORLD = Stage(
    name="make-world",
    version=1,
    summary="write the sample world as a mirror of the real servers",
    units=_units,
    upstream=_upstream,
    slice=_slice,
    run=run,
    intermediate=True,
)
