"""Stage make-world: writes the synthetic world as a mirror of the real hosts (sample only).

`out/mirror/<host>/<path>` is what the download stage reads when the profile has a sample world:
the same code that fetches from the real hosts then runs offline.
"""

from collections.abc import Mapping, Sequence

from xlm.config.pipeline import PipelineConfig
from xlm.config.sample import SampleConfig
from xlm.errors import ConfigError
from xlm.stages.stage import ALL, Node, Outcome, Stage, Work

MIRROR = "mirror"
"""Folder of the output that stands for the open network: `mirror/<host>/<path>`."""


def make_world_units(config: PipelineConfig) -> Sequence[str]:
    """One unit when the profile has a sample world, none when its data are real."""
    return () if config.sample is None else (ALL,)


def make_world_slice(config: PipelineConfig, unit: str) -> SampleConfig:
    """The sample world's own settings: always all its languages, whatever the run uses."""
    if config.sample is None:
        raise ConfigError("make-world: this profile has no sample world", fix="set sample.seed")
    return config.sample


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    return {}


def run(work: Work[SampleConfig]) -> Outcome:
    """Write the world's mirror under `out/mirror` and count what it holds."""
    from xlm.sample.mirror import write_mirror

    return Outcome(counts=write_mirror(work.out / MIRROR, work.config, work.mapper))


MAKE_WORLD = Stage(
    name="make-world",
    version=1,
    summary="write the synthetic world as a mirror of the real hosts",
    units=make_world_units,
    upstream=_upstream,
    slice=make_world_slice,
    run=run,
)
