"""Stage make-world: writes the synthetic world as a mirror of the real hosts (sample only).

`out/mirror/<host>/<path>` is what the download stage reads when the profile has a sample world:
the same code that fetches from the real hosts then runs offline.
"""

from collections.abc import Mapping, Sequence

from xlm.config.data.sample import MakeWorldSlice
from xlm.config.pipeline import PipelineConfig
from xlm.engine.stage import ALL, Node, Stage, StageContext, StageResult
from xlm.errors import ConfigError

MIRROR = "mirror"
"""Folder of the output that stands for the open network: `mirror/<host>/<path>`."""


def make_world_units(config: PipelineConfig) -> Sequence[str]:
    """One unit when the profile has a sample world, none when its data are real."""
    return () if config.sample is None else (ALL,)


def make_world_slice(config: PipelineConfig, unit: str) -> MakeWorldSlice:
    """The whole world, in all its languages, whichever of them the run uses."""
    if config.sample is None:
        raise ConfigError("make-world: this profile has no sample world", fix="set sample.seed")
    return MakeWorldSlice(sample=config.sample, date=config.sources.wikipedia.date)


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    return {}


def run(context: StageContext[MakeWorldSlice]) -> StageResult:
    """Write the world's mirror under `out/mirror` and count what it holds."""
    from xlm.sample.files.mirror import write_mirror

    config = context.config
    return StageResult(
        counts=write_mirror(context.out / MIRROR, config.sample, config.date, context.mapper)
    )


MAKE_WORLD = Stage(
    name="make-world",
    version=1,
    summary="write the synthetic world as a mirror of the real hosts",
    units=make_world_units,
    upstream=_upstream,
    slice=make_world_slice,
    run=run,
)
