"""A model of other sizes is refused as a start by the plan and before any stage runs."""

from pathlib import Path

import pytest
import torch

from tests.model.portable_models import original_content, small_model
from xlm.config.settings import Settings
from xlm.errors import DataError, TrainingError
from xlm.model.checkpoint import save_weights
from xlm.model.hugging_face import write_hugging_face
from xlm.model.original import write_original
from xlm.model.pieces import write_pieces
from xlm.pipeline.observer import NoObserver
from xlm.pipeline.plan import plan
from xlm.pipeline.request import RunRequest
from xlm.pipeline.run import open_run
from xlm.store.store import ArtifactStore

PROFILE = Path(__file__).parents[1] / "flows" / "small.yaml"
OURS = {"layers": 1, "dimension": 16, "heads": 2}


def _source(folder: Path, layout: str, sizes: dict[str, int]) -> Path:
    model, path = small_model(**sizes), folder / layout
    assert model.vocabulary is not None
    if layout == "original":
        write_original(path, model)
    elif layout == "hugging-face":
        write_hugging_face(path, model)
        write_pieces(path, model.vocabulary.tokens)
    else:
        path.mkdir()
        save_weights(path, model.description, model.weights)
    return path


def _request(source: Path) -> RunRequest:
    return RunRequest(
        profile=str(PROFILE), until="pretrain", overrides=(f"pretrain.warm_start={source}",)
    )


@pytest.mark.parametrize("layout", ["original", "hugging-face", "xlm"])
@pytest.mark.parametrize(("name", "found"), [("layers", 2), ("dimension", 32), ("heads", 4)])
def test_another_size_is_refused_by_plan_and_run(
    tmp_path: Path, layout: str, name: str, found: int
) -> None:
    request = _request(_source(tmp_path, layout, {**OURS, name: found}))
    store = ArtifactStore.open(str(tmp_path / "root"))
    said = f"has {name} {found}, the model to train {OURS[name]}; set model.{name}={found}"
    with pytest.raises(TrainingError, match=said) as caught:
        plan(request, store)
    assert "\n" not in str(caught.value)
    with pytest.raises(TrainingError, match=said):
        open_run(request, Settings(str(store.root), 1), NoObserver()).__enter__()
    assert not list(store.root.glob("*/*/manifest.json"))
    # Where nothing is pretrained, it is not asked for.
    assert plan(request.model_copy(update={"until": "make-world"}), store)


@pytest.mark.parametrize("layout", ["original", "hugging-face", "xlm"])
def test_equal_sizes_with_other_positions_languages_and_tokens_fit(
    tmp_path: Path, layout: str
) -> None:
    source = _source(tmp_path, layout, OURS)
    assert plan(_request(source), ArtifactStore.open(str(tmp_path / "root")))


@pytest.mark.parametrize(
    "absurd", [1e12, 10**400, -1, "16", None, True], ids=lambda value: type(value).__name__
)
def test_an_absurd_size_is_one_line(tmp_path: Path, absurd: object) -> None:
    content = original_content(small_model(**OURS), tmp_path)
    content["params"]["emb_dim"] = absurd
    torch.save(content, tmp_path / "source.pth")
    with pytest.raises(DataError, match="its dimension is not a whole number") as caught:
        plan(_request(tmp_path / "source.pth"), ArtifactStore.open(str(tmp_path / "root")))
    assert "\n" not in str(caught.value)
