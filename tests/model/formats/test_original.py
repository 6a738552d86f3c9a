"""Checkpoints in the original's format: reading, refusing in one line, writing."""

import argparse
import io
import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.model.formats.portable_models import original_content, refusal, save, small_model
from xlm.config.languages.pairs import XNLI_LANGUAGES
from xlm.errors import DataError
from xlm.model.formats.conversion import PortableModel
from xlm.model.formats.original import read_original, write_original


def assert_same(found: PortableModel, expected: PortableModel) -> None:
    assert found.description == expected.description
    assert found.vocabulary == expected.vocabulary
    assert list(found.weights) == list(expected.weights)
    for name, tensor in expected.weights.items():
        assert torch.equal(found.weights[name], tensor), name


@pytest.mark.parametrize("kind", [{}, {"classifier": True}, {"causal": True}])
def test_a_checkpoint_round_trips_bit_for_bit(tmp_path: Path, kind: dict[str, bool]) -> None:
    model = small_model(codes_hash="ab" * 32, **kind)
    write_original(tmp_path / "model.pth", model)
    found = read_original(tmp_path / "model.pth")
    assert_same(found, model)
    assert found.notes == ()


def test_equal_models_give_equal_bytes_with_any_file_name(tmp_path: Path) -> None:
    for name in ("a.pth", "another.pth"):
        write_original(tmp_path / name, small_model())
    assert (tmp_path / "a.pth").read_bytes() == (tmp_path / "another.pth").read_bytes()


def test_the_format_is_the_originals(tmp_path: Path) -> None:
    model = small_model()
    write_original(tmp_path / "model.pth", model)
    content = torch.load(tmp_path / "model.pth", weights_only=True)
    assert content.keys() == {
        "epoch", "n_total_iter", "best_metrics", "best_stopping_criterion", "model", "params",
        "dico_id2word", "dico_word2id", "dico_counts",
    }  # fmt: skip
    names = list(content["model"])
    assert names[:3] == [
        "position_embeddings.weight", "lang_embeddings.weight", "embeddings.weight",
    ]  # fmt: skip
    assert names[-2:] == ["pred_layer.proj.weight", "pred_layer.proj.bias"]
    tied = content["model"]["pred_layer.proj.weight"]
    assert tied.data_ptr() == content["model"]["embeddings.weight"].data_ptr()
    assert content["dico_id2word"][14] == "the"
    assert content["dico_word2id"]["@@"] == 16
    assert content["dico_counts"]["the"] == 14
    params = content["params"]
    assert type(params) is dict
    assert params["lang2id"] == {code: number for number, code in enumerate(XNLI_LANGUAGES)}
    assert params["id2lang"][9] == "sw"
    assert (params["emb_dim"], params["n_layers"], params["n_heads"]) == (16, 2, 4)
    assert (params["n_langs"], params["n_words"], params["max_vocab"]) == (15, 24, 24)
    marks = ("bos_index", "eos_index", "pad_index", "unk_index", "mask_index")
    assert [params[name] for name in marks] == [0, 1, 2, 3, 5]
    assert params["gelu_activation"]
    assert params["share_inout_emb"]
    assert params["use_lang_emb"]
    assert not params["sinusoidal_embeddings"]
    assert not params["asm"]
    assert not {"clm_steps", "mlm_steps", "causal"} & params.keys()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("steps", "causal"),
    [
        ({"clm_steps": [("en", None), ("sw", None)], "mlm_steps": []}, True),
        ({"clm_steps": [("en", None)]}, True),
        ({"clm_steps": [("en", None)], "mlm_steps": [("en", None)]}, False),
        ({"clm_steps": [], "mlm_steps": [("en", None), ("en", "fr")]}, False),
        ({"clm_steps": "en,sw", "mlm_steps": ""}, True),
        ({"clm_steps": "", "mlm_steps": "en"}, False),
        ({"clm_steps": [], "mlm_steps": []}, False),
    ],
)
def test_clm_without_mlm_gives_a_causal_model_but_no_causal_classifier(
    content: dict[str, Any], tmp_path: Path, steps: dict[str, object], causal: bool
) -> None:
    """Steps are lists, or the command-line options that these were parsed from."""
    del content["params"]["mlm_steps"]
    content["params"] |= steps
    assert_same(read_original(save(content, tmp_path / "x.pth")), small_model(causal=causal))
    tuned = small_model(classifier=True)
    content["proj"] = original_content(tuned, tmp_path)["proj"]
    assert_same(read_original(save(content, tmp_path / "tuned.pth")), tuned)


def test_a_causal_model_is_written_as_trained_by_clm_in_its_languages(tmp_path: Path) -> None:
    write_original(tmp_path / "model.pth", small_model(languages=("en", "sw"), causal=True))
    params = torch.load(tmp_path / "model.pth", weights_only=True)["params"]
    assert params["clm_steps"] == [("en", None), ("sw", None)]
    assert params["mlm_steps"] == []


def test_numpy_values_in_params_are_accepted(content: dict[str, Any], tmp_path: Path) -> None:
    assert_same(read_original(save(content, tmp_path / "x.pth")), small_model())
    legacy = save(content, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert_same(read_original(legacy), small_model())


@pytest.mark.parametrize("core", ["numpy.core", "numpy._core"])
def test_both_names_of_numpys_core_are_accepted(
    content: dict[str, Any], tmp_path: Path, core: str
) -> None:
    """Files of 2019 say numpy.core, those of numpy 2 numpy._core."""
    path = save(content, tmp_path / "x.pth", _use_new_zipfile_serialization=False)
    data = path.read_bytes()
    assert b"cnumpy._core.multiarray\nscalar" in data
    path.write_bytes(data.replace(b"cnumpy._core.", f"c{core}.".encode()))
    assert_same(read_original(path), small_model())


def test_names_of_a_distributed_run_and_half_precision_are_read(
    content: dict[str, Any], tmp_path: Path
) -> None:
    """XLM: files of several GPUs keep the prefix of DistributedDataParallel (spec 9.1, 14)."""
    content["model"] = OrderedDict(
        (f"module.{name}", tensor.half()) for name, tensor in content["model"].items()
    )
    found = read_original(save(content, tmp_path / "x.pth"))
    for name, tensor in small_model().weights.items():
        assert found.weights[name].dtype == torch.float32
        assert torch.equal(found.weights[name], tensor.half().float())


@pytest.mark.parametrize("module", ["", "module."])
def test_a_fine_tuned_file_is_a_classifier(tmp_path: Path, module: str) -> None:
    model = small_model(classifier=True)
    content = original_content(model, tmp_path)
    assert content["proj"].keys() == {"1.weight", "1.bias"}
    content["proj"] = {module + name: tensor for name, tensor in content["proj"].items()}
    assert_same(read_original(save(content, tmp_path / "x.pth")), model)


def test_an_encoder_without_a_head_is_read(content: dict[str, Any], tmp_path: Path) -> None:
    for name in ("pred_layer.proj.weight", "pred_layer.proj.bias"):
        del content["model"][name]
    found = read_original(save(content, tmp_path / "x.pth"))
    assert "pred_layer.proj.bias" not in found.weights
    assert found.with_head().weights["pred_layer.proj.bias"].abs().max() == 0
    assert "no prediction head" in found.with_head().notes[0]


def test_languages_are_in_the_order_of_id2lang(content: dict[str, Any], tmp_path: Path) -> None:
    turned = tuple(reversed(XNLI_LANGUAGES))
    content["params"] |= {
        "id2lang": dict(enumerate(turned)),
        "lang2id": {code: number for number, code in enumerate(turned)},
    }
    assert read_original(save(content, tmp_path / "x.pth")).description.languages == turned
    del content["params"]["lang2id"]
    assert read_original(save(content, tmp_path / "x.pth")).description.languages == turned


def test_a_longer_dictionary_is_truncated_as_in_the_original(
    content: dict[str, Any], tmp_path: Path
) -> None:
    """XLM issues 54, 61, 108: 121,328 words for 95,000 rows."""
    content["dico_id2word"][24] = "rare"
    content["dico_word2id"]["rare"] = 24
    content["dico_counts"]["rare"] = 1
    found = read_original(save(content, tmp_path / "x.pth"))
    assert found.vocabulary == small_model().vocabulary
    assert found.notes == ("its list of 25 tokens is truncated to 24",)


def test_a_file_without_dictionary_has_no_vocabulary(
    content: dict[str, Any], tmp_path: Path
) -> None:
    for name in ("dico_id2word", "dico_word2id", "dico_counts"):
        del content[name]
    found = read_original(save(content, tmp_path / "x.pth"))
    assert found.vocabulary is None
    assert found.description.vocabulary_hash == ""
    with pytest.raises(DataError, match="vocabulary is unknown"):
        write_original(tmp_path / "again.pth", found)


def test_one_language_needs_no_language_table(tmp_path: Path) -> None:
    model = small_model(languages=("en",))
    write_original(tmp_path / "en.pth", model)
    assert_same(read_original(tmp_path / "en.pth"), model)


def test_missing_language_embeddings_become_zeros_and_sinusoids_a_table(
    content: dict[str, Any], tmp_path: Path
) -> None:
    content["params"] |= {"use_lang_emb": False, "sinusoidal_embeddings": True}
    del content["model"]["lang_embeddings.weight"]
    found = read_original(save(content, tmp_path / "x.pth"))
    assert found.weights["lang_embeddings.weight"].shape == (15, 16)
    assert found.weights["lang_embeddings.weight"].abs().max() == 0
    positions = small_model().weights["position_embeddings.weight"]
    assert torch.equal(found.weights["position_embeddings.weight"], positions)
    assert len(found.notes) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gelu_activation": False}, "ReLU (gelu_activation false)"),
        ({"asm": True}, "adaptive softmax (asm)"),
        ({"mask_index": 4}, "mask_index is 4, not 5"),
        ({"n_words": 121_328}, "n_words is 121328, but embeddings.weight has 24 rows"),
        ({"n_langs": 14}, "n_langs is 14"),
        ({"id2lang": {}, "lang2id": {}}, "lists no languages"),
        ({"id2lang": {0: "en", 1: "fr"}}, "id2lang and lang2id differ"),
        ({"lang2id": {"en": 0, "fr": 0}}, "two languages have the same id"),
        ({"id2lang": ["en"]}, "the table of languages is invalid"),
        ({"id2lang": {float("inf"): "en"}}, "the table of languages is invalid"),
        ({"n_langs": 1, "id2lang": {0: "\ud800"}, "lang2id": {}}, "id2lang is {0: '\\ud800'}"),
        ({"n_heads": 3}, "3 heads do not divide the dimension 16"),
        ({"n_layers": 10**9}, "n_layers is 1000000000, but there are weights of 2 layers"),
        (
            {"emb_dim": 32},
            "position_embeddings.weight is 24 x 16, but its settings require 24 x 32",
        ),
        ({"dropout": 1.5}, "dropout: input should be less than or equal to 0.99"),
    ],
)
def test_models_that_the_encoder_cannot_represent_are_refused(
    content: dict[str, Any], tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    content["params"] |= changes
    assert message in refusal(content, tmp_path)


def test_other_dictionaries_are_refused(content: dict[str, Any], tmp_path: Path) -> None:
    words, numbers = content["dico_id2word"], content["dico_word2id"]
    short = {n: w for n, w in words.items() if n < 20}
    content |= {"dico_id2word": short, "dico_word2id": {w: n for n, w in short.items()}}
    assert "20 tokens for 24 rows of embeddings.weight" in refusal(content, tmp_path)
    content |= {"dico_id2word": words, "dico_word2id": {**numbers, "the": 15, "a@@": 14}}
    assert "dico_word2id is not the inverse of dico_id2word" in refusal(content, tmp_path)
    content["dico_word2id"] = numbers
    content["dico_counts"] = {"the": "many"}
    assert "dico_counts" in refusal(content, tmp_path)
    del content["dico_counts"]
    assert "without dico_word2id and dico_counts" in refusal(content, tmp_path)
    moved = {**words, 4: "<mask>"}
    content |= {
        "dico_id2word": moved,
        "dico_word2id": {word: number for number, word in moved.items()},
        "dico_counts": {},
    }
    assert "ids 0 to 13 are ('<s>', '</s>', '<pad>', '<unk>', '<mask>'" in refusal(
        content, tmp_path
    )


def test_missing_and_unknown_weights_are_named(content: dict[str, Any], tmp_path: Path) -> None:
    weight = content["model"].pop("ffns.0.lin1.bias")
    assert "missing weights ffns.0.lin1.bias" in refusal(content, tmp_path)
    content["model"] |= {"ffns.0.lin1.bias": weight, "ffns.7.lin1.bias": weight}
    assert "unknown weights ffns.7.lin1.bias" in refusal(content, tmp_path)
    content["model"]["two\nlines"] = weight
    assert r"unknown weights ffns.7.lin1.bias, two\nlines" in refusal(content, tmp_path)
    del content["model"]["embeddings.weight"]
    assert "no matrix embeddings.weight" in refusal(content, tmp_path)


def test_an_untied_head_is_refused(content: dict[str, Any], tmp_path: Path) -> None:
    tied = content["model"]["pred_layer.proj.weight"].clone()
    tied[20, 3] += 1e-3
    content["model"]["pred_layer.proj.weight"] = tied
    assert "share_inout_emb false" in refusal(content, tmp_path)


def test_other_contents_are_refused(content: dict[str, Any], tmp_path: Path) -> None:
    plain = content["model"]
    assert "no `params`" in refusal({**content, "params": None}, tmp_path)
    assert "is a translation model with an encoder and a decoder" in refusal(
        {"encoder": {}, "decoder": {}}, tmp_path
    )
    assert "no `model`" in refusal([1, 2], tmp_path)
    assert "the weights are a list, not a mapping" in refusal({**content, "model": [1]}, tmp_path)
    assert "weight 'x' is not a tensor" in refusal({**content, "model": {"x": 1}}, tmp_path)
    integers = {**plain, "embeddings.weight": torch.zeros(24, 16, dtype=torch.int64)}
    assert "has numbers of torch.int64" in refusal({**content, "model": integers}, tmp_path)
    twice = {**plain, "module.embeddings.weight": plain["embeddings.weight"]}
    assert "there are two weights" in refusal({**content, "model": twice}, tmp_path)


class Runs:
    """Calls a function when it is unpickled."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.slow
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    ("function", "name"),
    [
        (os.system, "posix.system"),
        (eval, "builtins.eval"),
        (np.load, "numpy.load"),
        (np.frombuffer, "numpy.frombuffer"),
        (pickle.loads, "pickle.loads"),
        (argparse.Namespace, "argparse.Namespace"),
        (io.open, "io.open"),
        (torch.load, "torch.serialization.load"),
    ],
)
@pytest.mark.parametrize("place", ["params", "model", "best_metrics"])
def test_a_file_with_code_is_refused_and_the_code_does_not_run(
    content: dict[str, Any], tmp_path: Path, function: Any, name: str, zipped: bool, place: str
) -> None:
    marker = tmp_path / "ran"
    content[place]["extra"] = Runs(function, f"touch {marker}")
    path = save(content, tmp_path / "evil.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(DataError) as caught:
        read_original(path)
    assert str(caught.value).startswith(
        f"{path} uses {name}, which could run code, so it is not loaded; "
    )
    assert "\n" not in str(caught.value)
    assert not marker.exists()


def test_arrays_of_objects_are_never_built(content: dict[str, Any], tmp_path: Path) -> None:
    """numpy would use the bytes of a file as pointers: np.ndarray((1,), "O", b"...")."""
    content["params"]["extra"] = Runs(np.ndarray, (1,), "O", b"\x01" * 8)
    content["params"]["array"] = np.array([None], dtype=object)
    assert_same(read_original(save(content, tmp_path / "x.pth")), small_model())


@pytest.mark.parametrize("zipped", [True, False])
def test_damaged_files_are_refused_in_one_line(
    content: dict[str, Any], tmp_path: Path, zipped: bool
) -> None:
    whole = save(content, tmp_path / "x.pth", _use_new_zipfile_serialization=zipped).read_bytes()
    path = tmp_path / "damaged.pth"
    lengths = [0, 1, 10, 100, 1000, *range(2000, len(whole), 2999), len(whole) - 1]
    for length in lengths[: -1 if zipped else None]:
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"damaged\.pth") as caught:
            read_original(path)
        assert "\n" not in str(caught.value)
    for data in (b"hello", b"\x80\x04N.", b"PK\x03\x04" + b"\0" * 50, b"\x80\x02" + b"(" * 50):
        path.write_bytes(data)
        with pytest.raises(DataError, match=r"damaged\.pth"):
            read_original(path)
