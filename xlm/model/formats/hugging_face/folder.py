"""Hugging Face's model folders: `config.json` and weights, read and written.

    write_masked_lm(folder, load_encoder(pretrained))        # XLMWithLMHeadModel
    write_classifier(folder, load_classifier(finetuned))     # XLMForSequenceClassification
    model = read_hugging_face(folder)                        # either, or XLMModel

The head's weight is the token embedding; as `save_pretrained` does, it is stored once (spec 6.1).
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from xlm.bpe.vocabulary import Vocabulary, load_vocabulary
from xlm.config.data.tasks import XNLI_LABELS
from xlm.errors import DataError
from xlm.model.classifier import Classifier
from xlm.model.encoder import NORM_EPSILON, Encoder
from xlm.model.formats.conversion import PortableModel, tidy_weights
from xlm.model.formats.description import ModelDescription
from xlm.model.formats.hugging_face.settings import hugging_face_settings
from xlm.model.formats.hugging_face.vocab_json import huggingface_vocabulary, read_vocab_json
from xlm.model.formats.model_settings import describe, read_sentences, sentences_setting
from xlm.model.formats.ours import (
    CLASSIFIER,
    HEAD,
    classifier_weights,
    encoder_weights,
    from_hugging_face,
    to_hugging_face,
)
from xlm.model.formats.safe_pickle import read_pickled
from xlm.model.formats.source_files import (
    CONFIG_FILE,
    SAFETENSORS_FILE,
    VOCAB_JSON_FILE,
    VOCABULARY_FILE,
    read_json,
    weight_files,
)
from xlm.store.integrity.presence import is_present

_REQUIRED: Mapping[str, Any] = {
    "model_type": "xlm",
    "is_encoder": True,
    "layer_norm_eps": NORM_EPSILON,
}
_REQUIRED_OF_CLASSIFIERS: Mapping[str, Any] = {
    "causal": False,  # otherwise the first position attends to `</s>` alone
    "summary_type": "first",
    "summary_use_proj": True,
    "summary_activation": None,
    "summary_proj_to_labels": True,
}
_FIX = "use an encoder with XLM's architecture; others cannot be loaded"


def read_hugging_face(folder: Path, *, sizes_only: bool = False) -> PortableModel:
    """Read a model folder; the vocabulary is in `vocabulary.json` (ours) or `vocab.json`.

    `sizes_only`: see `xlm.model.formats.sources.read_model`.

    Raises:
        DataError: the folder is damaged, would run code, or has a model that the encoder cannot
            represent.
    """
    config = read_json(folder / CONFIG_FILE)
    where = str(folder)
    _require(config, _REQUIRED, where)
    stored: dict[str, Any] = {}
    for file in weight_files(folder):
        stored |= _read_weights(file, mapped=sizes_only)
    weights = from_hugging_face(tidy_weights(stored, where, sizes_only=sizes_only))
    has_classifier = any(name.startswith(CLASSIFIER) for name in weights)
    if has_classifier:
        _require(config, _REQUIRED_OF_CLASSIFIERS, where)
    causal = config.get("causal", False)
    if not isinstance(causal, bool):
        raise DataError(f"{where}: causal is {json.dumps(causal)}, not true or false", fix=_FIX)
    vocabulary = _read_vocabulary(folder)
    return describe(
        hugging_face_settings(config),
        weights,
        vocabulary,
        where,
        causal=causal,
        labels=_read_labels(config, where) if has_classifier else XNLI_LABELS,
        sentences=read_sentences(config) if has_classifier else None,
    )


def write_masked_lm(folder: Path, encoder: Encoder) -> dict[str, int]:
    """Write a pretrained model; returns its number of parameters and the bytes of its weights."""
    return write_hugging_face(
        folder, PortableModel(encoder.description, encoder_weights(encoder), None)
    )


def write_classifier(folder: Path, classifier: Classifier) -> dict[str, int]:
    """Write a fine-tuned model, without its prediction head; returns counts as above."""
    return write_hugging_face(
        folder,
        PortableModel(classifier.description, classifier_weights(classifier), None),
    )


def write_hugging_face(folder: Path, model: PortableModel) -> dict[str, int]:
    """Write a model's `config.json` and weights, not its vocabulary; returns counts as above."""
    write_config(folder, model)
    weights = model.weights
    if model.is_classifier:
        weights = {name: t for name, t in weights.items() if not name.startswith(HEAD)}
    path = folder / SAFETENSORS_FILE
    # transformers refuses a file without the format.
    save_file(to_hugging_face(weights), path, metadata={"format": "pt"})
    path.chmod(0o644)  # safetensors makes the file private, but the folder is to be published
    return {
        "parameters": sum(tensor.numel() for tensor in weights.values()),
        "weight_bytes": path.stat().st_size,
    }


def write_config(folder: Path, model: PortableModel) -> None:
    """Write a model's `config.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    shared = _shared_config(model.description)
    config = {"architectures": ["XLMWithLMHeadModel"], **shared}
    if model.is_classifier:
        labels = model.description.labels
        config = {
            "architectures": ["XLMForSequenceClassification"],
            **shared,
            "num_labels": len(labels),
            "id2label": {str(number): label for number, label in enumerate(labels)},
            "label2id": {label: number for number, label in enumerate(labels)},
            **sentences_setting(model.description),
            # By default the original has no dropout before the classifier; transformers' is 0.1.
            "summary_first_dropout": 0.0,
        }
    text = json.dumps(config, indent=2, ensure_ascii=False) + "\n"
    (folder / CONFIG_FILE).write_bytes(text.encode())


def language_tables(languages: Sequence[str]) -> dict[str, Any]:
    """`lang2id` and `id2lang`, the latter with the string keys that JSON needs."""
    return {
        "lang2id": {code: number for number, code in enumerate(languages)},
        "id2lang": {str(number): code for number, code in enumerate(languages)},
    }


def _shared_config(description: ModelDescription) -> dict[str, Any]:
    """The settings of spec 2.5, including those that transformers knows by two names."""
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
        # A default of transformers' generation; the id of the mask is mask_index.
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
        "causal": description.causal,
    }


def _require(config: Mapping[str, Any], required: Mapping[str, Any], where: str) -> None:
    for name, value in required.items():
        if config.get(name, value) != value:
            raise DataError(
                f"{where}: {name} is {json.dumps(config[name])}, not {json.dumps(value)}", fix=_FIX
            )


def _read_labels(config: Mapping[str, Any], where: str) -> tuple[str, ...]:
    # Many NLI models number entailment 0, so numbers alone do not identify the labels.
    names = config.get("id2label")
    by_id = names if isinstance(names, dict) else {}
    labels = tuple(by_id.get(str(number)) for number in range(len(by_id)))
    if len(labels) < 2 or None in labels or len(set(labels)) < len(labels):
        raise DataError(
            f"{where}: id2label is {json.dumps(names)}"[:300],
            fix='name each label of the classifier once, e.g. {"0": "negative", "1": "positive"}',
        )
    texts = tuple(map(str, labels))
    lower = tuple(text.lower() for text in texts)
    return lower if set(lower) == set(XNLI_LABELS) else texts


def _read_weights(file: Path, *, mapped: bool) -> dict[str, Any]:
    if file.suffix == ".safetensors":
        try:
            stored: object = load_file(file)
        except (OSError, SafetensorError) as error:
            raise DataError(f"{file}: {error}", fix="download it again") from None
    else:
        stored = read_pickled(file, mapped=mapped)
    if not isinstance(stored, Mapping):
        raise DataError(f"{file} does not map names to weights", fix="download it again")
    return dict(stored)


def _read_vocabulary(folder: Path) -> Vocabulary | None:
    theirs = folder / VOCAB_JSON_FILE
    if not is_present(folder / VOCABULARY_FILE):
        return read_vocab_json(theirs) if is_present(theirs) else None
    ours = load_vocabulary(folder)
    if is_present(theirs) and read_json(theirs) != huggingface_vocabulary(ours.tokens):
        raise DataError(
            f"{folder}: {VOCAB_JSON_FILE} and {VOCABULARY_FILE} differ",
            fix=f"remove the file of another model ({VOCABULARY_FILE} is ours, not transformers')",
        )
    return ours
