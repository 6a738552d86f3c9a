"""Small models, and checkpoints in the original's format."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from xlm.bpe.vocabulary import SPECIAL_TOKENS, Vocabulary
from xlm.config.languages.pairs import XNLI_LANGUAGES
from xlm.config.training.model import ModelConfig
from xlm.errors import DataError
from xlm.model.classifier import Classifier
from xlm.model.encoder import Encoder
from xlm.model.formats.conversion import PortableModel
from xlm.model.formats.description import ModelDescription
from xlm.model.formats.original import read_original, write_original
from xlm.model.formats.ours import classifier_weights, encoder_weights
from xlm.model.initialise import initialise

WORDS = ("the", "a@@", "@@", "b", "héé", "ไทย@@", "c@@", "x", "yy", "zz")


def small_vocabulary(words: tuple[str, ...] = WORDS, codes_hash: str = "") -> Vocabulary:
    """Special tokens and words, with decreasing counts."""
    counts = (*(0,) * len(SPECIAL_TOKENS), *range(len(words) + 4, 4, -1))
    return Vocabulary((*SPECIAL_TOKENS, *words), counts, codes_hash)


def small_model(
    words: tuple[str, ...] = WORDS,
    languages: tuple[str, ...] = tuple(XNLI_LANGUAGES),
    *,
    classifier: bool = False,
    causal: bool = False,
    seed: int = 3,
    codes_hash: str = "",
    **sizes: Any,
) -> PortableModel:
    """A model of a few thousand different weights."""
    vocabulary = small_vocabulary(words, codes_hash)
    described = {"layers": 2, "dimension": 16, "heads": 4, "max_positions": 24, **sizes}
    encoder = Encoder(
        ModelDescription(
            model=ModelConfig.model_validate(described),
            languages=languages,
            vocabulary_size=vocabulary.size,
            vocabulary_hash=vocabulary.hash,
            causal=causal,
        )
    )
    initialise(encoder, seed)
    weights = encoder_weights(encoder)
    if classifier:
        whole = Classifier(encoder)
        whole.initialise(seed)
        weights = classifier_weights(whole)
    return PortableModel(encoder.description, weights, vocabulary)


def original_content(model: PortableModel, folder: Path) -> dict[str, Any]:
    """The content of a model's checkpoint, which tests change and `save` writes."""
    path = folder / "content.pth"
    write_original(path, model)
    content: dict[str, Any] = torch.load(path, weights_only=True)
    # As in the original's files: params and metrics contain values of numpy and torch.
    content["params"] |= {
        "mask_scores": np.arange(1, 6, dtype=np.float64) ** -0.5,
        "pred_probs": torch.tensor([0.8, 0.1, 0.1]),
        "mono_probs": np.array([0.5, 0.5], dtype=np.float32),
        "lambda_mlm": 1,
        "mlm_steps": [("en", None), ("en", "fr")],
    }
    content["best_metrics"] = {"valid_mlm_ppl": np.float64(12.5), "epoch": np.int64(3)}
    return content


def save(content: object, path: Path, **options: Any) -> Path:
    """Write a file with torch.save."""
    torch.save(content, path, **options)
    return path


def refusal(content: object, folder: Path) -> str:
    """The error message for a checkpoint with the given content, which must be one line."""
    path = save(content, folder / "refused.pth")
    with pytest.raises(DataError) as caught:
        read_original(path)
    line = str(caught.value)
    assert "\n" not in line
    assert "refused.pth" in line
    return line
