"""The floor plan of stages: one file for each stage, slices next to their settings."""

import pytest

from xlm.config.pipeline import PipelineConfig
from xlm.config.reading.resolve import resolve
from xlm.engine.graph import Graph
from xlm.engine.stage import Stage
from xlm.errors import ConfigError
from xlm.stages.registry import STAGES, stage_named

GROUPS = ("data", "text", "model")


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_stage_is_declared_in_a_file_with_its_name(
    stage: Stage[PipelineConfig, object],
) -> None:
    file_name = stage.name.replace("-", "_")
    assert stage.run.__module__ in {f"xlm.stages.{group}.{file_name}" for group in GROUPS}


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_slice_is_declared_next_to_its_settings(stage: Stage[PipelineConfig, object]) -> None:
    config = resolve("sample", [], ["en", "sw"])
    for unit in stage.units(config):
        assert type(stage.slice(config, unit)).__module__.startswith("xlm.config.")


def test_groups_follow_each_other_in_the_dag() -> None:
    groups = [stage.run.__module__.split(".")[2] for stage in STAGES]
    assert groups == sorted(groups, key=GROUPS.index)


@pytest.mark.parametrize("profile", ["sample", "mini15", "modern15", "xnli15"])
def test_every_stage_comes_after_its_inputs(profile: str) -> None:
    graph = Graph.of(resolve(profile), STAGES)
    order = {stage.name: number for number, stage in enumerate(STAGES)}
    for node, inputs in graph.upstream.items():
        assert all(order[one.stage] < order[node.stage] for one in inputs.values())


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    assert stage_named("learn-bpe").name == "learn-bpe"
    with pytest.raises(ConfigError, match="did you mean 'tokenize'"):
        stage_named("tokenise")
