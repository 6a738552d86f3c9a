"""A run without English has no classifier, unless the profile asks for XNLI, which needs it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.repository import REPOSITORY
from xlm.config.environment import MachineSettings
from xlm.config.reading.resolve import resolve
from xlm.engine.events import NoObserver
from xlm.engine.graph import Graph
from xlm.errors import ConfigError
from xlm.pipeline.dag import open_request, plan_request
from xlm.pipeline.request import RunRequest
from xlm.stages.registry import STAGES
from xlm.store.store import ArtifactStore

PROFILE = REPOSITORY / "tests" / "flows" / "small.yaml"


def _request(*overrides: str, **selection: Any) -> RunRequest:
    return RunRequest(
        profile=str(PROFILE),
        languages=("fr", "sw"),
        overrides=("pretrain.updates=10", "pretrain.validation_updates=10", *overrides),
        **selection,
    )


@pytest.mark.slow
def test_a_run_without_english_reaches_pretraining(tmp_path: Path) -> None:
    request = _request(until="pretrain")
    steps = plan_request(request, ArtifactStore.open(str(tmp_path / "root")))
    assert str(steps[-1].node) == "pretrain"
    with open_request(request, MachineSettings(str(tmp_path / "root"), 1), NoObserver()) as run:
        for node in run.selected:
            run.build(node)
        built = {str(node): found.artifact.directory for node, found in run.results.items()}
    assert built.keys() == {str(step.node) for step in steps}
    assert not any("xnli" in name or "en" in name.split("[")[-1] for name in built if "[" in name)
    described = json.loads((built["pretrain"] / "config.json").read_text())
    assert described["languages"] == ["fr", "sw"]


@pytest.mark.parametrize(
    "selection", [{}, {"until": "finetune"}, {"until": "evaluate"}, {"only": ("publish",)}]
)
def test_xnli_without_its_training_language_is_refused_in_one_line(
    tmp_path: Path, selection: dict[str, Any]
) -> None:
    message = r"en is missing, but the training rows of XNLI are in it; add en, .* --until pretrain"
    request = _request("classify.task=xnli", **selection)
    store = ArtifactStore.open(str(tmp_path / "root"))
    with pytest.raises(ConfigError, match=message) as caught:
        plan_request(request, store)
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match=message):
        open_request(request, MachineSettings(str(store.root), 1), NoObserver()).__enter__()
    assert not (store.root / "artifacts").exists()


@pytest.mark.parametrize("until", ["shard", "extract-xnli", "split"])
def test_text_stages_are_planned_without_english(until: str) -> None:
    graph = Graph.of(resolve("mini15", [], ["fr", "ja"]), STAGES)
    assert graph.select(until=until)


@pytest.mark.parametrize("selection", [{"until": "finetune"}, {"only": ("finetune",)}])
def test_the_plan_says_why_there_is_no_classifier(
    tmp_path: Path, selection: dict[str, Any]
) -> None:
    store = ArtifactStore.open(str(tmp_path / "root"))
    with pytest.raises(ConfigError, match="classify is null, so there is no classifier"):
        plan_request(_request(**selection), store)
    steps = [str(step.node) for step in plan_request(_request(), store)]
    assert steps[-3:] == ["pretrain", "evaluate", "publish"]
    assert not any("xnli" in step or "multinli" in step for step in steps)


def test_an_empty_list_of_languages_is_refused() -> None:
    with pytest.raises(ConfigError, match="languages is empty; list at least one"):
        resolve("sample", ["languages=[]"])
