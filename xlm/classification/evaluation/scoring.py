"""Predictions of a classifier.

labels = predict(classifier, examples, language_id=9, device=device)
right = int((labels == examples.labels).sum())
"""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from xlm.dataloader.sampling.pairs import line_lengths
from xlm.dataloader.sequences import Sequences, join_examples
from xlm.model.classifier import Classifier
from xlm.shards.lines import Examples

_BATCH_ROWS = 64


def predict(
    classifier: Classifier, examples: Examples, *, language_id: int, device: torch.device
) -> NDArray[np.int64]:
    """Predict the label of each row, (N,); sentences too long for the model are truncated."""
    lengths = line_lengths(examples.first)
    if examples.second is not None:
        lengths = lengths + line_lengths(examples.second)
    order = np.argsort(lengths, kind="stable")  # similar lengths in a batch need little padding
    labels = np.empty(len(order), dtype=np.int64)
    training = classifier.training
    classifier.eval()
    with torch.inference_mode():
        for begin in range(0, len(order), _BATCH_ROWS):
            chosen = order[begin : begin + _BATCH_ROWS]
            sequences = join_examples(
                examples,
                chosen,
                language_ids=np.full(len(chosen), language_id),
                max_tokens=longest_sentence(classifier, examples),
            )
            labels[chosen] = classify(classifier, sequences, device).argmax(1).cpu().numpy()
    classifier.train(training)
    return labels


def predict_all(
    classifier: Classifier, examples: Mapping[str, Examples], *, device: torch.device
) -> dict[str, NDArray[np.int64]]:
    """Predict the label of each row in each language, (N,) by language code."""
    return {
        code: predict(
            classifier,
            rows,
            language_id=classifier.encoder.description.language_id(code),
            device=device,
        )
        for code, rows in examples.items()
    }


def classify(classifier: Classifier, sequences: Sequences, device: torch.device) -> torch.Tensor:
    """The scores of the labels for a batch, (B, C)."""
    mask_BT = sequences.attention_mask_BT
    scores_BC: torch.Tensor = classifier(
        torch.from_numpy(sequences.tokens_BT).to(device),
        torch.from_numpy(sequences.languages_BT).to(device),
        None if mask_BT is None else torch.from_numpy(mask_BT).to(device),
    )
    return scores_BC


def longest_sentence(classifier: Classifier, examples: Examples) -> int:
    """The longest sentence, with both EOS, of which any one or two fit the position table."""
    positions = classifier.encoder.description.model.max_positions
    return positions if examples.second is None else (positions + 1) // 2
