"""ONNX files: logits of onnxruntime equal ours and those of transformers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument
from torch import Tensor
from transformers import XLMForSequenceClassification, XLMWithLMHeadModel

from tests.model.formats.portable_models import small_model
from xlm.bpe.vocabulary import PAD
from xlm.config.languages.pairs import XNLI_LANGUAGES
from xlm.model.formats.conversion import PortableModel
from xlm.model.formats.hugging_face.folder import write_hugging_face
from xlm.model.formats.modules import classifier_of, encoder_of
from xlm.model.formats.onnx import file as onnx_file

LANGUAGES = len(XNLI_LANGUAGES)
KINDS: list[dict[str, Any]] = [{}, {"classifier": True}, {"causal": True}]


def batch(lengths: list[int], languages: list[int]) -> dict[str, Tensor]:
    """Padded rows of random tokens, each in one language."""
    generator = torch.Generator().manual_seed(sum(lengths))
    shape = len(lengths), max(lengths)
    ids = torch.randint(14, 24, shape, generator=generator)
    mask = torch.arange(shape[1])[None] < torch.tensor(lengths)[:, None]
    return {
        "input_ids": ids.where(mask, PAD),
        "attention_mask": mask.long(),
        "langs": torch.tensor(languages)[:, None].repeat(1, shape[1]),
    }


BATCHES = {
    "one token": batch([1], [0]),
    "one row": batch([7], [14]),
    "equal lengths": batch([5, 5, 5], [3, 9, 4]),
    "every language and the longest row": batch([24, *range(1, LANGUAGES)], list(range(LANGUAGES))),
}


def run(session: onnxruntime.InferenceSession, inputs: dict[str, Tensor]) -> np.ndarray:
    (logits,) = session.run(["logits"], {name: value.numpy() for name, value in inputs.items()})
    assert isinstance(logits, np.ndarray)
    return logits


def write(folder: Path, model: PortableModel) -> onnxruntime.InferenceSession:
    folder.mkdir()
    onnx_file.write_onnx(folder, model)
    onnx.checker.check_model(folder / "model.onnx", full_check=True)
    return onnxruntime.InferenceSession(folder / "model.onnx")


def of_ours(model: PortableModel, inputs: dict[str, Tensor]) -> np.ndarray:
    ids, mask, languages = inputs["input_ids"], inputs["attention_mask"].bool(), inputs["langs"]
    if model.is_classifier:
        return classifier_of(model)(ids, languages, mask).numpy()
    encoder = encoder_of(model)
    states = encoder(ids, languages, None, mask, causal=model.description.causal)
    return encoder.predict(states.flatten(0, 1)).view(*ids.shape, -1).numpy()


@pytest.mark.parametrize("kind", KINDS, ids=["masked", "classifier", "causal"])
def test_logits_are_ours_and_those_of_transformers(tmp_path: Path, kind: dict[str, Any]) -> None:
    model = small_model(**kind)
    session = write(tmp_path / "onnx", model)
    write_hugging_face(tmp_path / "hf", model)
    theirs = XLMForSequenceClassification if model.is_classifier else XLMWithLMHeadModel
    other = theirs.from_pretrained(tmp_path / "hf").eval()
    for name, inputs in BATCHES.items():
        found = run(session, inputs)
        assert np.abs(found - of_ours(model, inputs)).max() < 1e-5, name
        with torch.no_grad():
            expected = other(**inputs).logits.numpy()
        # At padding too, except with causal attention, where transformers does not mask it.
        places = inputs["attention_mask"].bool().numpy() if kind.get("causal") else ...
        assert np.abs(found - expected)[places].max() < 1e-5, name


@pytest.mark.parametrize("name", ["input_ids", "attention_mask", "langs"])
@pytest.mark.parametrize("kind", KINDS[:2], ids=["masked", "classifier"])
def test_every_input_matters(tmp_path: Path, kind: dict[str, Any], name: str) -> None:
    session = write(tmp_path / "onnx", small_model(**kind))
    inputs = BATCHES["equal lengths"]
    changed = {**inputs, name: inputs[name].clone()}
    before = int(inputs[name][1, 2])
    changed[name][1, 2] = {"input_ids": 37 - before, "attention_mask": 0, "langs": 0}[name]
    difference = np.abs(run(session, inputs) - run(session, changed)).reshape(3, -1).max(1)
    assert difference[1] > 1e-4
    assert difference[[0, 2]].max() < 1e-6


def test_padding_does_not_change_a_row(tmp_path: Path) -> None:
    session = write(tmp_path / "onnx", small_model(classifier=True))
    alone = batch([6], [2])
    fillings = {"input_ids": PAD, "attention_mask": 0, "langs": 2}
    padded = {name: torch.full((1, 20), filling) for name, filling in fillings.items()}
    for name, values in alone.items():
        padded[name][:, :6] = values
    assert np.abs(run(session, alone) - run(session, padded)).max() < 1e-5


def test_a_row_of_padding_has_numbers(tmp_path: Path) -> None:
    inputs = batch([4, 2], [0, 1])
    inputs["attention_mask"][1] = 0
    for kind in KINDS:
        logits = run(write(tmp_path / str(kind), small_model(**kind)), inputs)
        assert np.isfinite(logits).all()


@contextmanager
def weights_above(limit_bytes: int, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Write weights of more bytes into a second file."""
    with patch.context() as changes:
        changes.setattr(onnx_file, "ONE_FILE_LIMIT_BYTES", limit_bytes)
        yield


def test_weights_of_a_large_model_are_in_a_second_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = small_model()
    size_bytes = sum(weight.nbytes for weight in model.weights.values())
    with weights_above(size_bytes, monkeypatch):
        one = write(tmp_path / "one", model)
    with weights_above(size_bytes - 1, monkeypatch):
        two = write(tmp_path / "two", model)
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["model.onnx"]
    data = tmp_path / "two" / "model.onnx_data"
    assert data.stat().st_size >= size_bytes > (tmp_path / "two" / "model.onnx").stat().st_size
    inputs = BATCHES["every language and the longest row"]
    assert np.array_equal(run(one, inputs), run(two, inputs))


def test_the_same_model_has_the_same_bytes(tmp_path: Path) -> None:
    files = []
    for name in ("one", "two"):
        write(tmp_path / name, small_model(classifier=True))
        files.append((tmp_path / name / "model.onnx").read_bytes())
    assert files[0] == files[1]


def test_languages_and_labels_are_in_the_metadata(tmp_path: Path) -> None:
    session = write(tmp_path / "onnx", small_model(classifier=True))
    assert session.get_modelmeta().custom_metadata_map == {
        "languages": " ".join(XNLI_LANGUAGES),
        "labels": "contradiction\nneutral\nentailment",
    }
    shapes = [(one.name, one.shape, one.type) for one in session.get_inputs()]
    names = ("input_ids", "attention_mask", "langs")
    assert shapes == [(name, ["batch", "length"], "tensor(int64)") for name in names]
    (output,) = session.get_outputs()
    assert (output.name, output.shape) == ("logits", ["batch", 3])


def test_a_model_of_one_language_takes_the_same_inputs(tmp_path: Path) -> None:
    model = small_model(languages=("sw",))
    inputs = batch([5, 3], [0, 0])
    found = run(write(tmp_path / "onnx", model), inputs)
    assert np.abs(found - of_ours(model, inputs)).max() < 1e-5


def test_a_row_beyond_the_positions_is_an_error(tmp_path: Path) -> None:
    session = write(tmp_path / "onnx", small_model())
    # Which one depends on how the runtime optimizes the look-up.
    with pytest.raises((Fail, InvalidArgument), match=r"out of data bounds|24 by 25"):
        run(session, batch([25], [0]))
