"""Predictions of a classifier.

labels = predict(classifier, examples, language_id=9, device=device)
right = int((labels == examples.labels).sum())
"""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from xlm.dataloader.sampling.rows import batches_by_length, row_lengths
from xlm.dataloader.sequences import Sequences, join_examples
from xlm.model.classifier import Classifier
from xlm.shards.lines import Examples, concatenate_examples

BATCH_ROWS = 64
BATCH_TOKENS = 4096
"""Padded tokens of a batch, so that long rows need no more memory than short ones."""


def predict(
    classifier: Classifier, examples: Examples, *, language_id: int, device: torch.device
) -> NDArray[np.int64]:
    """Predict the label of each row, (N,); sentences too long for the model are truncated."""
    return _predict(classifier, examples, np.full(len(examples), language_id), device)


def predict_all(
    classifier: Classifier, examples: Mapping[str, Examples], *, device: torch.device
) -> dict[str, NDArray[np.int64]]:
    """Predict the label of each row in each language, (N,) by language code, in one pass.

    A batch may have rows of several languages. Scores differ from those of `predict` by float
    rounding, because the number of rows in a batch changes the order of summation.
    """
    if not examples:
        return {}
    sizes = [len(rows) for rows in examples.values()]
    language_ids = [classifier.encoder.description.language_id(code) for code in examples]
    labels = _predict(
        classifier,
        concatenate_examples(list(examples.values())),
        np.repeat(np.asarray(language_ids), sizes),
        device,
    )
    return dict(zip(examples, np.split(labels, np.cumsum(sizes)[:-1]), strict=True))


def _predict(
    classifier: Classifier,
    examples: Examples,
    language_ids_N: NDArray[np.int64],
    device: torch.device,
) -> NDArray[np.int64]:
    """The label of each row, (N,), computed in batches of similar lengths."""
    max_tokens = longest_sentence(classifier, examples)
    batches = batches_by_length(
        row_lengths(examples, max_tokens=max_tokens),
        most_rows=BATCH_ROWS,
        most_tokens=BATCH_TOKENS,
    )
    labels = np.empty(len(examples), dtype=np.int64)
    training = classifier.training
    classifier.eval()
    with torch.inference_mode():
        for chosen in batches:
            sequences = join_examples(
                examples, chosen, language_ids=language_ids_N[chosen], max_tokens=max_tokens
            )
            labels[chosen] = classify(classifier, sequences, device).argmax(1).cpu().numpy()
    classifier.train(training)
    return labels


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
