"""Writes the model folders that `transformers` loads: weights and `config.json`.

    write_masked_lm(folder, load_encoder(pretrained))        # XLMWithLMHeadModel
    write_classifier(folder, load_classifier(finetuned))     # XLMForSequenceClassification

The head's weight is the token embedding; as `save_pretrained` does, it is stored once (spec 6.1).
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from xlm.model.checkpoint import (
    WEIGHTS_FILE,
    classifier_weights,
    encoder_weights,
    to_hugging_face,
)
from xlm.model.classifier import LABELS, Classifier
from xlm.model.description import ModelDescription
from xlm.model.encoder import NORM_EPSILON, Encoder

_HEAD = "pred_layer."


def write_masked_lm(folder: Path, encoder: Encoder) -> dict[str, int]:
    """Write the pretrained model and return its counts (parameters, bytes of weights)."""
    config = {"architectures": ["XLMWithLMHeadModel"], **_shared_config(encoder.description)}
    return _write(folder, encoder_weights(encoder), config)


def write_classifier(folder: Path, classifier: Classifier) -> dict[str, int]:
    """Write the fine-tuned model and return its counts; its prediction head stays behind."""
    weights = {
        name: tensor
        for name, tensor in classifier_weights(classifier).items()
        if not name.startswith(_HEAD)
    }
    config = {
        "architectures": ["XLMForSequenceClassification"],
        **_shared_config(classifier.encoder.description),
        "num_labels": len(LABELS),
        "id2label": {str(number): label for number, label in enumerate(LABELS)},
        "label2id": {label: number for number, label in enumerate(LABELS)},
        # The original's default is no dropout before the classifier; transformers' is 0.1.
        "summary_first_dropout": 0.0,
    }
    return _write(folder, weights, config)


def language_tables(languages: Sequence[str]) -> dict[str, Any]:
    """`lang2id` and `id2lang`, the latter with the string keys that JSON needs."""
    return {
        "lang2id": {code: number for number, code in enumerate(languages)},
        "id2lang": {str(number): code for number, code in enumerate(languages)},
    }


def _shared_config(description: ModelDescription) -> dict[str, Any]:
    """The keys of spec 2.5, those included that transformers has under a second name."""
    model, languages = description.model, description.languages
    words = description.vocabulary_size
    return {
        "model_type": "xlm",
        "vocab_size": words,
        "n_words": words,
        "max_vocab": words,
        "emb_dim": model.dimension,
        "n_layers": model.layers,
        "n_heads": model.heads,
        "dropout": model.dropout,
        "attention_dropout": model.attention_dropout,
        "gelu_activation": True,
        "sinusoidal_embeddings": False,
        "causal": False,
        "asm": False,
        "share_inout_emb": True,
        "tie_word_embeddings": True,
        "n_langs": len(languages),
        "use_lang_emb": True,
        "max_position_embeddings": model.max_positions,
        "embed_init_std": 2048**-0.5,
        "init_std": 0.02,
        "layer_norm_eps": NORM_EPSILON,
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
        "lang_id": languages.index("en") if "en" in languages else 0,
        **language_tables(languages),
        "torch_dtype": "float32",
    }


def _write(
    folder: Path, weights: Mapping[str, Tensor], config: Mapping[str, Any]
) -> dict[str, int]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / WEIGHTS_FILE
    # Without the format, transformers refuses the file.
    save_file(to_hugging_face(weights), path, metadata={"format": "pt"})
    path.chmod(0o644)  # safetensors makes it private, which a folder to publish must not be
    text = json.dumps(config, indent=2, ensure_ascii=False) + "\n"
    (folder / "config.json").write_bytes(text.encode())
    return {
        "parameters": sum(tensor.numel() for tensor in weights.values()),
        "weight_bytes": path.stat().st_size,
    }
