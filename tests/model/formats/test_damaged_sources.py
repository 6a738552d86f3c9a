"""Invalid weights and vocabularies are refused with their names, in one line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.model.formats.portable_models import refusal, small_model
from xlm.bpe.vocabulary import write_vocabulary
from xlm.errors import DataError
from xlm.model.formats.hugging_face.folder import read_hugging_face, write_hugging_face
from xlm.model.formats.hugging_face.vocab_json import huggingface_vocabulary


@pytest.mark.parametrize("name", ["embeddings.weight", "layer_norm_emb.bias"])
@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (float("nan"), torch.float32),
        (float("-inf"), torch.float32),
        (float("inf"), torch.float16),
        (1e300, torch.float64),
    ],
)
def test_weights_that_are_not_finite_are_refused(
    content: dict[str, Any], tmp_path: Path, name: str, value: float, dtype: torch.dtype
) -> None:
    """NaN is not equal to itself, so the head seemed untied; 1e300 silently became infinite."""
    state = {known: tensor.to(dtype) for known, tensor in content["model"].items()}
    state[name].view(-1)[-1] = value
    state["pred_layer.proj.weight"] = state["embeddings.weight"]
    content["model"] = state
    assert f"weight '{name}' is not finite in fp32" in refusal(content, tmp_path)


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support")
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda: torch.ones(16, device="meta"), "no data (meta)"),
        (lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]), "nested tensors"),
        (lambda: torch.ones(4, 4).to_sparse(), "layout torch.sparse_coo"),
        (lambda: torch.ones(4, 4).to_sparse_csr(), "layout torch.sparse_csr"),
    ],
)
def test_tensors_of_other_kinds_are_refused(
    content: dict[str, Any], tmp_path: Path, make: Callable[[], torch.Tensor], found: str
) -> None:
    content["model"]["layer_norm_emb.bias"] = make()
    assert f"weight 'layer_norm_emb.bias' has {found}; " in refusal(content, tmp_path)


def test_words_that_are_not_unicode_are_refused(content: dict[str, Any], tmp_path: Path) -> None:
    content["dico_id2word"][15] = "a\ud800"
    content["dico_word2id"] = {word: number for number, word in content["dico_id2word"].items()}
    assert r"the token of id 15 is not Unicode text: 'a\ud800'" in refusal(content, tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"counts": [0] * 23}, "23 counts for 24 tokens"),
        ({"counts": ["9"] * 24}, "a count is not a number"),
        ({"counts": [-1] * 24}, "a count is not a number"),
        ({"codes_hash": 7}, "codes_hash is not a string"),
        ({"tokens": ["\ud800"] * 24}, "UnicodeEncodeError"),
    ],
)
def test_a_damaged_vocabulary_next_to_vocab_json_is_refused_in_one_line(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    model = small_model()
    assert model.vocabulary is not None
    write_hugging_face(tmp_path, model)
    write_vocabulary(model.vocabulary, tmp_path)
    path = tmp_path / "vocabulary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(DataError, match=message) as caught:
        read_hugging_face(tmp_path)
    assert "\n" not in str(caught.value)


def test_tokens_of_vocab_json_that_are_not_unicode_are_refused(tmp_path: Path) -> None:
    model = small_model()
    assert model.vocabulary is not None
    write_hugging_face(tmp_path, model)
    tokens = [*model.vocabulary.tokens[:-1], "\ud800"]
    (tmp_path / "vocab.json").write_text(json.dumps(huggingface_vocabulary(tokens)))
    with pytest.raises(DataError, match="the token of id 23 is not Unicode text"):
        read_hugging_face(tmp_path)
