"""The plan and the run refuse a warm start from a model of other sizes before any stage runs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.model.formats.portable_models import (
    WORDS,
    original_content,
    small_model,
    small_vocabulary,
)
from tests.repository import REPOSITORY
from xlm.bpe.vocabulary import write_vocabulary
from xlm.config.environment import MachineSettings
from xlm.engine.events import NoObserver
from xlm.errors import DataError, TrainingError
from xlm.model.formats.hugging_face.folder import write_hugging_face
from xlm.model.formats.hugging_face.vocab_json import write_vocab_json
from xlm.model.formats.original import write_original
from xlm.model.formats.ours import save_weights
from xlm.model.formats.sources import read_model
from xlm.pipeline.dag import open_request, plan_request
from xlm.pipeline.request import RunRequest
from xlm.store.store import ArtifactStore

PROFILE = REPOSITORY / "tests" / "flows" / "small.yaml"
OURS = {"layers": 1, "dimension": 16, "heads": 2}


def _source(folder: Path, layout: str, sizes: dict[str, int]) -> Path:
    model, path = small_model(**sizes), folder / layout
    assert model.vocabulary is not None
    if layout == "original":
        write_original(path, model)
    elif layout == "hugging-face":
        write_hugging_face(path, model)
        write_vocab_json(path, model.vocabulary.tokens)
    else:
        path.mkdir()
        save_weights(path, model.description, model.weights)
    return path


def _request(source: Path) -> RunRequest:
    return RunRequest(
        profile=str(PROFILE), until="pretrain", overrides=(f"pretrain.warm_start={source}",)
    )


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["original", "hugging-face", "xlm"])
@pytest.mark.parametrize(("name", "found"), [("layers", 2), ("dimension", 32), ("heads", 4)])
def test_another_size_is_refused_by_plan_and_run(
    tmp_path: Path, layout: str, name: str, found: int
) -> None:
    request = _request(_source(tmp_path, layout, {**OURS, name: found}))
    store = ArtifactStore.open(str(tmp_path / "root"))
    message = (
        f"has {name} {found}, but the model to train has {OURS[name]}; set model.{name}={found}"
    )
    with pytest.raises(TrainingError, match=message) as caught:
        plan_request(request, store)
    assert "\n" not in str(caught.value)
    with pytest.raises(TrainingError, match=message):
        open_request(request, MachineSettings(str(store.root), 1), NoObserver()).__enter__()
    assert not list(store.root.glob("*/*/manifest.json"))
    # Without pretraining, the model is not checked.
    assert plan_request(request.model_copy(update={"until": "make-world"}), store)


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["original", "hugging-face", "xlm"])
def test_equal_sizes_with_other_positions_languages_and_tokens_are_accepted(
    tmp_path: Path, layout: str
) -> None:
    source = _source(tmp_path, layout, OURS)
    assert plan_request(_request(source), ArtifactStore.open(str(tmp_path / "root")))


@pytest.mark.parametrize(
    "absurd", [1e12, 10**400, -1, "16", None, True], ids=lambda value: type(value).__name__
)
def test_an_invalid_size_is_refused_in_one_line(tmp_path: Path, absurd: object) -> None:
    content = original_content(small_model(**OURS), tmp_path)
    content["params"]["emb_dim"] = absurd
    torch.save(content, tmp_path / "source.pth")
    with pytest.raises(DataError, match="its dimension is not an integer") as caught:
        plan_request(_request(tmp_path / "source.pth"), ArtifactStore.open(str(tmp_path / "root")))
    assert "\n" not in str(caught.value)


def _edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(path.read_bytes())
    change(content)
    path.write_text(json.dumps(content))


def _with_wrong_sizes(tmp_path: Path, layout: str, sizes: dict[str, int]) -> Path:
    """A source with weights of `sizes` that declares the sizes of `OURS`."""
    source = _source(tmp_path, layout, {**OURS, **sizes})
    if layout == "original":
        content = torch.load(source, weights_only=True)
        content["params"] |= {"n_layers": OURS["layers"], "emb_dim": OURS["dimension"]}
        torch.save(content, source)
    elif layout == "hugging-face":
        declared = {"n_layers": OURS["layers"], "emb_dim": OURS["dimension"]}
        _edit(source / "config.json", lambda content: content.update(declared))
    else:
        _edit(source / "config.json", lambda content: content["model"].update(OURS))
    return source


@pytest.mark.parametrize("layout", ["original", "hugging-face", "xlm"])
@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"layers": 2}, "n_layers is 1, but there are weights of 2 layers"),
        ({"dimension": 32}, "is [0-9x ]*32, but its settings require [0-9x ]*16"),
    ],
    ids=["layers", "dimension"],
)
def test_weights_of_another_size_than_declared_are_refused_before_any_stage(
    tmp_path: Path, layout: str, sizes: dict[str, int], message: str
) -> None:
    source = _with_wrong_sizes(tmp_path, layout, sizes)
    store = ArtifactStore.open(str(tmp_path / "root"))
    with pytest.raises(DataError, match=message) as caught:
        plan_request(_request(source), store)
    assert "\n" not in str(caught.value)
    settings = MachineSettings(str(store.root), 1)
    with pytest.raises(DataError, match=message):
        open_request(_request(source), settings, NoObserver()).__enter__()


@pytest.mark.parametrize("layout", ["original", "hugging-face", "xlm"])
def test_a_vocabulary_of_another_length_than_the_weights_is_refused_before_any_stage(
    tmp_path: Path, layout: str
) -> None:
    source, model = _source(tmp_path, layout, OURS), small_model(**OURS)
    assert model.vocabulary is not None
    tokens, rows = model.vocabulary.tokens[:-2], model.vocabulary.size
    if layout == "original":
        content = torch.load(source, weights_only=True)
        content["dico_id2word"] = dict(enumerate(tokens))
        content["dico_word2id"] = {token: number for number, token in enumerate(tokens)}
        torch.save(content, source)
    elif layout == "hugging-face":
        write_vocab_json(source, tokens)
    else:
        _edit(source / "config.json", lambda content: content.update(vocabulary_size=rows + 2))
    shapes = (
        f"{rows - 2} tokens for {rows} rows|{rows} x 16, but its settings require {rows + 2} x 16"
    )
    with pytest.raises(DataError, match=shapes) as caught:
        plan_request(_request(source), ArtifactStore.open(str(tmp_path / "root")))
    assert "\n" not in str(caught.value)


def test_a_vocabulary_file_of_another_length_than_the_settings_is_refused(tmp_path: Path) -> None:
    source = _source(tmp_path, "xlm", OURS)
    shorter = small_vocabulary(WORDS[:-1])
    write_vocabulary(shorter, source)
    _edit(source / "config.json", lambda content: content.update(vocabulary_hash=shorter.hash))
    size = shorter.size
    message = f"its vocabulary has {size} tokens, but its settings require {size + 1}"
    with pytest.raises(DataError, match=message):
        plan_request(_request(source), ArtifactStore.open(str(tmp_path / "root")))


@pytest.mark.parametrize("layout", ["original", "hugging-face"])
def test_a_source_without_a_vocabulary_is_refused_before_any_stage(
    tmp_path: Path, layout: str
) -> None:
    source = _source(tmp_path, layout, OURS)
    if layout == "original":
        content = torch.load(source, weights_only=True)
        torch.save({name: content[name] for name in ("model", "params")}, source)
    else:
        (source / "vocab.json").unlink()
    with pytest.raises(TrainingError, match="has no vocabulary that maps its rows"):
        plan_request(_request(source), ArtifactStore.open(str(tmp_path / "root")))


@pytest.mark.slow
def test_the_plan_does_not_read_the_weights(tmp_path: Path) -> None:
    """They can have gigabytes. Non-finite weights are refused later, when they are loaded."""
    source = _source(tmp_path, "xlm", OURS)
    weights = load_file(source / "model.safetensors")
    weights["embeddings.weight"][3] = float("nan")
    save_file(weights, source / "model.safetensors")
    assert plan_request(_request(source), ArtifactStore.open(str(tmp_path / "root")))
    with pytest.raises(DataError, match="not finite"):
        read_model(source)
