"""Writes the model folders that `transformers` loads: weights and `config.json`.

    write_masked_lm(folder, weights, architecture)      # XLMWithLMHeadModel
    write_classifier(folder, weights, architecture)     # XLMForSequenceClassification

Weights come under the original's names (spec 2.3) and go out under Hugging Face's: `transformer.`
before each, `pred_layer.*` as it is (spec 6.1). The head's weight is the token embedding; it is
stored once.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from xlm.errors import DataError

WEIGHTS_NAME = "model.safetensors"
LABELS = ("contradiction", "neutral", "entailment")
"""XNLI's labels in the order of their ids (spec 5)."""

_TIED_WEIGHT = "pred_layer.proj.weight"
_HEAD_BIAS = "pred_layer.proj.bias"
_HEAD = "pred_layer."
_INITIAL_EMBEDDING_STD = 2048**-0.5


@dataclass(frozen=True)
class Architecture:
    """The sizes of a trained encoder."""

    words: int
    """Size of the vocabulary, the 14 special ids included."""
    languages: tuple[str, ...]
    """In the order of their ids."""
    layers: int
    dimension: int
    heads: int
    positions: int
    dropout: float
    attention_dropout: float
    classifier_dropout: float = 0.0


def write_masked_lm(
    folder: Path, weights: Mapping[str, Tensor], architecture: Architecture
) -> dict[str, int]:
    """Write the pretrained model and return its counts (parameters, bytes of weights).

    Raises:
        DataError: a weight is missing, left over or of another shape.
    """
    wanted = {**encoder_shapes(architecture), _HEAD_BIAS: (architecture.words,)}
    kept = {name: tensor for name, tensor in weights.items() if name != _TIED_WEIGHT}
    _check(kept, wanted)
    renamed = {
        name if name.startswith(_HEAD) else f"transformer.{name}": tensor
        for name, tensor in kept.items()
    }
    config = {"architectures": ["XLMWithLMHeadModel"], **_shared_config(architecture)}
    return _write(folder, renamed, config)


def write_classifier(
    folder: Path, weights: Mapping[str, Tensor], architecture: Architecture
) -> dict[str, int]:
    """Write the fine-tuned model and return its counts (parameters, bytes of weights).

    `weights` holds the encoder under the original's names and the classifier as
    `classifier.weight` (labels, dimension) and `classifier.bias` (labels). A prediction head among
    them is left out.

    Raises:
        DataError: a weight is missing, left over or of another shape.
    """
    labels = len(LABELS)
    wanted = {
        **encoder_shapes(architecture),
        "classifier.weight": (labels, architecture.dimension),
        "classifier.bias": (labels,),
    }
    kept = {name: tensor for name, tensor in weights.items() if not name.startswith(_HEAD)}
    _check(kept, wanted)
    renamed = {_classifier_name(name): tensor for name, tensor in kept.items()}
    config = {
        "architectures": ["XLMForSequenceClassification"],
        **_shared_config(architecture),
        "num_labels": labels,
        "id2label": {str(number): label for number, label in enumerate(LABELS)},
        "label2id": {label: number for number, label in enumerate(LABELS)},
        # The original's default is no dropout before the classifier; transformers' is 0.1.
        "summary_first_dropout": architecture.classifier_dropout,
    }
    return _write(folder, renamed, config)


def encoder_shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    """Name to shape of every weight of the encoder (spec 2.3), without the prediction head."""
    dimension, inner = architecture.dimension, 4 * architecture.dimension
    shapes: dict[str, tuple[int, ...]] = {
        "position_embeddings.weight": (architecture.positions, dimension),
        "embeddings.weight": (architecture.words, dimension),
        **_norm("layer_norm_emb", dimension),
    }
    if len(architecture.languages) > 1:
        shapes["lang_embeddings.weight"] = (len(architecture.languages), dimension)
    for layer in range(architecture.layers):
        for part in ("q_lin", "k_lin", "v_lin", "out_lin"):
            shapes |= _linear(f"attentions.{layer}.{part}", dimension, dimension)
        shapes |= _norm(f"layer_norm1.{layer}", dimension)
        shapes |= _linear(f"ffns.{layer}.lin1", inner, dimension)
        shapes |= _linear(f"ffns.{layer}.lin2", dimension, inner)
        shapes |= _norm(f"layer_norm2.{layer}", dimension)
    return shapes


def _linear(name: str, outputs: int, inputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, dimension: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (dimension,), f"{name}.bias": (dimension,)}


def _classifier_name(name: str) -> str:
    if name.startswith("classifier."):
        return name.replace("classifier.", "sequence_summary.summary.", 1)
    return f"transformer.{name}"


def _check(weights: Mapping[str, Tensor], wanted: Mapping[str, tuple[int, ...]]) -> None:
    fix = "publish weights together with the config.json of the same run"
    names: Sequence[tuple[str, set[str]]] = (
        ("lack", set(wanted) - set(weights)),
        ("hold the unknown", set(weights) - set(wanted)),
    )
    for fault, found in names:
        if found:
            raise DataError(f"the weights {fault} {', '.join(sorted(found))}", fix=fix)
    for name, shape in wanted.items():
        if tuple(weights[name].shape) != shape:
            raise DataError(
                f"weight {name} has shape {tuple(weights[name].shape)}, the config says {shape}",
                fix=fix,
            )


def _shared_config(architecture: Architecture) -> dict[str, Any]:
    """The keys of spec 2.5; whoever reads only the documented ones gets this model."""
    words = architecture.words
    return {
        "model_type": "xlm",
        "vocab_size": words,
        "n_words": words,
        "max_vocab": words,
        "emb_dim": architecture.dimension,
        "n_layers": architecture.layers,
        "n_heads": architecture.heads,
        "dropout": architecture.dropout,
        "attention_dropout": architecture.attention_dropout,
        "gelu_activation": True,
        "sinusoidal_embeddings": False,
        "causal": False,
        "asm": False,
        "share_inout_emb": True,
        "tie_word_embeddings": True,
        "n_langs": len(architecture.languages),
        "use_lang_emb": True,
        "max_position_embeddings": architecture.positions,
        "embed_init_std": _INITIAL_EMBEDDING_STD,
        "init_std": 0.02,
        "layer_norm_eps": 1e-12,
        "bos_index": 0,
        "eos_index": 1,
        "pad_index": 2,
        "unk_index": 3,
        "mask_index": 5,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": 2,
        # A default of generation in transformers, not the id of the mask, which is mask_index.
        "mask_token_id": 0,
        "is_encoder": True,
        "summary_type": "first",
        "summary_use_proj": True,
        "summary_activation": None,
        "summary_proj_to_labels": True,
        "summary_first_dropout": 0.1,
        "start_n_top": 5,
        "end_n_top": 5,
        "lang_id": _default_language(architecture.languages),
        **language_tables(architecture.languages),
        "torch_dtype": "float32",
    }


def language_tables(languages: Sequence[str]) -> dict[str, Any]:
    """`lang2id` and `id2lang`, the latter with the string keys that JSON needs."""
    return {
        "lang2id": {code: number for number, code in enumerate(languages)},
        "id2lang": {str(number): code for number, code in enumerate(languages)},
    }


def _default_language(languages: Sequence[str]) -> int:
    return languages.index("en") if "en" in languages else 0


def _write(
    folder: Path, weights: Mapping[str, Tensor], config: Mapping[str, Any]
) -> dict[str, int]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / WEIGHTS_NAME
    tensors = {name: weights[name].detach().contiguous() for name in sorted(weights)}
    save_file(tensors, path, metadata={"format": "pt"})
    text = json.dumps(config, indent=2, ensure_ascii=False) + "\n"
    (folder / "config.json").write_bytes(text.encode())
    return {
        "parameters": sum(tensor.numel() for tensor in tensors.values()),
        "weight_bytes": path.stat().st_size,
    }
