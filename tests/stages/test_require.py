"""`Stage.require`: what the plan and the run check before any stage is built."""

from pathlib import Path

import pytest

from tests.model.formats.portable_models import small_model
from xlm.config.pipeline import PipelineConfig, source_of_encoder, source_of_weights
from xlm.config.reading.resolve import resolve
from xlm.engine.stage import Stage
from xlm.errors import ConfigError, TrainingError, XlmError
from xlm.model.formats.ours import save_weights
from xlm.stages.model.evaluate import EVALUATE
from xlm.stages.model.finetune import FINETUNE
from xlm.stages.model.pretrain import PRETRAIN
from xlm.stages.model.publish import PUBLISH
from xlm.stages.model.score import SCORE
from xlm.stages.model.select import SELECT
from xlm.stages.registry import STAGES

SIZES = {"layers": 1, "dimension": 16, "heads": 2}


def _error(stage: Stage[PipelineConfig, object], config: PipelineConfig) -> XlmError | None:
    """The error of the stage's check of a configuration, or None if it passes."""
    assert stage.require is not None
    try:
        stage.require(config)
    except XlmError as error:
        return error
    return None


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
    assert names == [
        "download", "extract-text", "extract-parallel", "extract-xnli", "extract-labelled",
        "learn-bpe", "pretrain", "finetune", "score", "select", "evaluate", "publish",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "stage", [FINETUNE, SCORE, SELECT, EVALUATE, PUBLISH], ids=lambda stage: stage.name
)
def test_the_training_language_is_required(stage: Stage[PipelineConfig, object]) -> None:
    error = _error(stage, _config(languages=("fr", "sw")))
    assert isinstance(error, ConfigError)
    assert str(error) == (
        "languages: en is missing, but the training rows of XNLI are in it; "
        "add en, set classify=null, or stop earlier with --until pretrain"
    )
    assert _error(stage, _config()) is None
    assert _error(stage, _config(languages=("en",))) is None


def test_pretrain_needs_no_english_and_no_warm_start() -> None:
    assert _error(PRETRAIN, _config(languages=("fr", "sw"))) is None


def test_pretraining_on_pairs_alone_needs_tlm() -> None:
    pairs = [
        "sources.wikipedia=null",
        "sources.parallel=[{kind: tsv, pair: fr-sw, path: a.tsv}]",
    ]
    config = _config(*pairs, "pretrain.objectives=[mlm]", languages=("fr", "sw"))
    assert str(_error(PRETRAIN, config)) == (
        "pretrain.objectives mlm needs monolingual text, but the sources have only pairs; set "
        "pretrain.objectives=[tlm], or add text to sources"
    )
    config = _config(*pairs, "pretrain.objectives=[tlm]", languages=("fr", "sw"))
    assert _error(PRETRAIN, config) is None


@pytest.mark.parametrize(("name", "size"), [("layers", 2), ("dimension", 32), ("heads", 4)])
def test_a_warm_start_of_another_size_is_refused(tmp_path: Path, name: str, size: int) -> None:
    source = _saved_model(tmp_path / "model", **{name: size})
    error = _error(PRETRAIN, _config(f"pretrain.warm_start={source}"))
    assert isinstance(error, TrainingError)
    assert f"set model.{name}={size}" in str(error)
    assert str(source) in str(error)
    assert "\n" not in str(error)


def test_a_warm_start_of_the_same_size_is_accepted(tmp_path: Path) -> None:
    source = _saved_model(tmp_path / "model")
    assert _error(PRETRAIN, _config(f"pretrain.warm_start={source}")) is None


def test_the_path_of_a_warm_start_may_be_relative_or_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _saved_model(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert _error(PRETRAIN, _config("pretrain.warm_start=model")) is None
    assert _error(PRETRAIN, _config("pretrain.warm_start=~/model")) is None


def test_of_a_publish_artifact_the_masked_language_model_is_used(tmp_path: Path) -> None:
    published = tmp_path / "published"
    published.mkdir()
    source = _saved_model(published / "masked-lm")
    config = _config(f"pretrain.warm_start={published}")
    assert _error(PRETRAIN, config) is None
    assert source_of_weights(config) == source
    assert source_of_encoder(_config(f"finetune.encoder={published}")) == source


def test_a_missing_warm_start_is_refused(tmp_path: Path) -> None:
    missing = tmp_path / "missing.pth"
    error = _error(PRETRAIN, _config(f"pretrain.warm_start={missing}"))
    assert str(missing) in str(error)
    assert "\n" not in str(error)
