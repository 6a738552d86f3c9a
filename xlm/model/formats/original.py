"""Reads and writes the original's checkpoint files (`.pth`; spec 2.4).

    model = read_original(Path("mlm_tlm_xnli15_1024.pth"))
    write_original(Path("ours.pth"), model)

Reading runs no code of a file (xlm/model/formats/safe_pickle.py).
"""

from collections.abc import Mapping
from numbers import Integral
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from xlm.bpe.vocabulary import BOS, EOS, MASK, PAD, UNK, Vocabulary
from xlm.config.data.tasks import XNLI_LABELS
from xlm.errors import DataError
from xlm.model.formats.conversion import PortableModel, expected_shapes, tidy_weights
from xlm.model.formats.description import ModelDescription
from xlm.model.formats.model_settings import describe, read_sentences, sentences_setting
from xlm.model.formats.ours import CLASSIFIER, EMBEDDINGS, TIED_KEY
from xlm.model.formats.safe_pickle import NumpyValue, read_pickled

_PROJECTION = "proj"
"""The state of a classifier's projection, a dropout and a layer, apart from the encoder's."""
_LABELS = "labels"
"""Our addition to the settings: names of the labels of a classifier for another task than XNLI."""
_CLM_STEPS, _MLM_STEPS = "clm_steps", "mlm_steps"
"""Objectives of a run: pairs of a language and None, or of two languages (MLM of two: TLM)."""


def read_original(path: Path, *, sizes_only: bool = False) -> PortableModel:
    """Read the encoder of a checkpoint, or the classifier of a fine-tuned checkpoint.

    `sizes_only`: see `xlm.model.formats.sources.read_model`.

    Raises:
        DataError: the file would run code or is damaged, or the encoder cannot represent the model.
    """
    content, plain = _checked(read_pickled(path, mapped=sizes_only), path)
    weights = tidy_weights(content["model"], str(path), sizes_only=sizes_only)
    projection = content.get(_PROJECTION)
    causal = bool(plain.get(_CLM_STEPS)) and not plain.get(_MLM_STEPS)
    if isinstance(projection, Mapping):
        causal = False  # its params are those of pretraining (`ModelDescription.of_classifier`)
        own = tidy_weights(projection, str(path), sizes_only=sizes_only)
        weights |= {f"{_PROJECTION}.{name.removeprefix('proj.')}": own[name] for name in own}
    return describe(
        plain,
        weights,
        _vocabulary(content, path),
        str(path),
        causal=causal,
        labels=_labels(plain, weights),
        sentences=read_sentences(plain),
    )


def read_params(path: Path) -> Mapping[str, Any]:
    """Read the settings of a checkpoint; if the format allows it, its weights are not read.

    Raises:
        DataError: the file would run code, is damaged, or is not a checkpoint of an encoder.
    """
    return _checked(read_pickled(path, mapped=True), path)[1]


def _checked(content: object, path: Path) -> tuple[Mapping[Any, Any], dict[str, Any]]:
    """The content of a checkpoint, and its settings without numpy's values."""
    if isinstance(content, Mapping) and {"encoder", "decoder"} <= set(content):
        raise DataError(
            f"{path} is a translation model with an encoder and a decoder",
            fix="use the checkpoint of the language model that it started from",
        )
    if not isinstance(content, Mapping) or "model" not in content:
        keys = ", ".join(map(repr, list(content)[:5])) if isinstance(content, Mapping) else ""
        raise DataError(
            f"{path} has no `model`" + (f", but {keys}" if keys else ""),
            fix="use the original's checkpoint of an encoder",
        )
    params = content.get("params")
    if not isinstance(params, Mapping):
        raise DataError(
            f"{path} has no `params` with the model's heads and languages",
            fix="use the checkpoint as the original wrote it",
        )
    plain = {name: value for name, value in params.items() if not isinstance(value, NumpyValue)}
    return content, plain


def write_original(path: Path, model: PortableModel) -> None:
    """Write a checkpoint in the original's format; equal models give equal bytes.

    Raises:
        DataError: the model's vocabulary is not known.
    """
    if model.vocabulary is None:
        raise DataError(f"{path}: the model's vocabulary is unknown", fix="add --vocabulary DIR")
    tokens = model.vocabulary.tokens
    content = {
        "epoch": 0,
        "n_total_iter": 0,
        "best_metrics": {},
        "best_stopping_criterion": float("-inf"),
        "model": _state(model),
        "dico_id2word": dict(enumerate(tokens)),
        "dico_word2id": {token: number for number, token in enumerate(tokens)},
        "dico_counts": dict(zip(tokens, model.vocabulary.token_counts, strict=True)),
        "params": _params(model.description, model.vocabulary),
    }
    if model.is_classifier:
        content[_PROJECTION] = {
            name.removeprefix("proj."): tensor
            for name, tensor in model.weights.items()
            if name.startswith(CLASSIFIER)
        }
    with path.open("wb") as file:  # given a path, torch would write its name into the file
        torch.save(content, file)


def _labels(params: Mapping[str, Any], weights: Mapping[str, Tensor]) -> tuple[str, ...]:
    """The labels that we wrote, else those of XNLI, else numbers: the original stores no names."""
    projection = weights.get(f"{CLASSIFIER}weight")
    count = len(XNLI_LABELS) if projection is None else len(projection)
    names = params.get(_LABELS)
    if isinstance(names, list) and len(set(map(str, names))) == count:
        return tuple(map(str, names))
    return XNLI_LABELS if count == len(XNLI_LABELS) else tuple(map(str, range(count)))


def _vocabulary(content: Mapping[Any, Any], path: Path) -> Vocabulary | None:
    words = content.get("dico_id2word")
    if words is None:
        return None
    fix = "use the checkpoint as the original wrote it"
    indices, counts = content.get("dico_word2id"), content.get("dico_counts")
    if not all(isinstance(table, Mapping) for table in (words, indices, counts)):
        raise DataError(f"{path}: dico_id2word without dico_word2id and dico_counts", fix=fix)
    assert isinstance(indices, Mapping)
    assert isinstance(counts, Mapping)
    tokens = tuple(words.get(number) for number in range(len(words)))
    if not all(isinstance(token, str) for token in tokens):
        raise DataError(f"{path}: dico_id2word does not map the ids 0, 1, 2, ... to words", fix=fix)
    if dict(indices) != {token: number for number, token in enumerate(tokens)}:
        raise DataError(f"{path}: dico_word2id is not the inverse of dico_id2word", fix=fix)
    values = tuple(counts.get(token, 0) for token in tokens)
    if not all(isinstance(count, Integral) and int(count) >= 0 for count in values):
        raise DataError(f"{path}: dico_counts has values that are not counts", fix=fix)
    codes_hash = str(content["params"].get("codes_hash", ""))
    return Vocabulary(tokens, tuple(int(count) for count in values), codes_hash)


def _state(model: PortableModel) -> dict[str, Tensor]:
    """The encoder's weights in the original's order, the tied one by both of its names."""
    state: dict[str, Tensor] = {}
    for name in expected_shapes(model.description):
        if name in model.weights:
            if name.startswith("pred_layer."):
                state[TIED_KEY] = model.weights[EMBEDDINGS]
            state[name] = model.weights[name]
    return state


def _params(description: ModelDescription, vocabulary: Vocabulary) -> dict[str, Any]:
    model, languages = description.model, description.languages
    labels = {} if description.labels == XNLI_LABELS else {_LABELS: list(description.labels)}
    params: dict[str, Any] = {
        **labels,
        **sentences_setting(description),
        "emb_dim": model.dimension,
        "n_layers": model.layers,
        "n_heads": model.heads,
        "dropout": model.dropout,
        "attention_dropout": model.attention_dropout,
        "gelu_activation": True,
        "sinusoidal_embeddings": False,
        "share_inout_emb": True,
        "asm": False,
        "encoder_only": True,
        "use_lang_emb": True,
        "n_langs": len(languages),
        "lgs": "-".join(languages),
        "langs": sorted(languages),
        "id2lang": dict(enumerate(languages)),
        "lang2id": {code: number for number, code in enumerate(languages)},
        "n_words": vocabulary.size,
        "max_vocab": vocabulary.size,
        "min_count": 0,
        "bos_index": BOS,
        "eos_index": EOS,
        "pad_index": PAD,
        "unk_index": UNK,
        "mask_index": MASK,
        # The original's table always has 512 rows; ours may have another number.
        "max_position_embeddings": model.max_positions,
        # Our addition: the BPE merges that produce these tokens.
        "codes_hash": vocabulary.codes_hash,
    }
    if description.causal:
        params[_CLM_STEPS] = [(code, None) for code in languages]
        params[_MLM_STEPS] = []
        # transformers' conversion copies all params into its config.json, where this is the name.
        params["causal"] = True
    return params
