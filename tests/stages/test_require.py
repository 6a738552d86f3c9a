"""`Stage.require`: what the plan and the run check before any stage is built."""

from pathlib import Path

import pytest

from tests.model.formats.portable_models import small_model
from xlm.config.pipeline import PipelineConfig
from xlm.config.reading.resolve import resolve
from xlm.engine.stage import Stage
from xlm.errors import ConfigError, TrainingError, XlmError
from xlm.model.formats.ours import save_weights
from xlm.stages.model.evaluate import EVALUATE
from xlm.stages.model.finetune import FINETUNE
from xlm.stages.model.pretrain import PRETRAIN
from xlm.stages.model.publish import PUBLISH
from xlm.stages.registry import STAGES

SIZES = {"layers": 1, "dimension": 16, "heads": 2}


def _require(stage: Stage[PipelineConfig, object], config: PipelineConfig) -> None:
    assert stage.require is not None
    stage.require(config)


def _config(*overrides: str, languages: tuple[str, ...] = ("en", "sw")) -> PipelineConfig:
    sizes = [f"model.{name}={size}" for name, size in SIZES.items()]
    return resolve("mini15", [*sizes, *overrides], languages)


def _saved_model(folder: Path, **sizes: int) -> Path:
    model = small_model(**SIZES | sizes)
    folder.mkdir()
    save_weights(folder, model.description, model.weights)
    return folder


def test_stages_with_a_requirement() -> None:
    names = [stage.name for stage in STAGES if stage.require is not None]
    assert names == ["pretrain", "finetune", "evaluate", "publish"]


@pytest.mark.parametrize("stage", [FINETUNE, EVALUATE, PUBLISH], ids=lambda stage: stage.name)
def test_english_is_required(stage: Stage[PipelineConfig, object]) -> None:
    with pytest.raises(ConfigError) as caught:
        _require(stage, _config(languages=("fr", "sw")))
    assert str(caught.value) == (
        f"languages: English is missing, but {stage.name} needs its XNLI pairs; "
        "add en, or stop earlier with --until pretrain"
    )
    _require(stage, _config())
    _require(stage, _config(languages=("en",)))


def test_pretrain_needs_no_english_and_no_warm_start() -> None:
    _require(PRETRAIN, _config(languages=("fr", "sw")))


@pytest.mark.parametrize(("name", "size"), [("layers", 2), ("dimension", 32), ("heads", 4)])
def test_a_warm_start_of_another_size_is_refused(tmp_path: Path, name: str, size: int) -> None:
    source = _saved_model(tmp_path / "model", **{name: size})
    with pytest.raises(TrainingError, match=f"set model.{name}={size}") as caught:
        _require(PRETRAIN, _config(f"pretrain.warm_start={source}"))
    assert str(source) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_warm_start_of_the_same_size_is_accepted(tmp_path: Path) -> None:
    source = _saved_model(tmp_path / "model")
    _require(PRETRAIN, _config(f"pretrain.warm_start={source}"))


def test_the_path_of_a_warm_start_may_be_relative_or_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _saved_model(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    _require(PRETRAIN, _config("pretrain.warm_start=model"))
    _require(PRETRAIN, _config("pretrain.warm_start=~/model"))


def test_a_missing_warm_start_is_refused(tmp_path: Path) -> None:
    missing = tmp_path / "missing.pth"
    with pytest.raises(XlmError) as caught:
        _require(PRETRAIN, _config(f"pretrain.warm_start={missing}"))
    assert str(missing) in str(caught.value)
    assert "\n" not in str(caught.value)
