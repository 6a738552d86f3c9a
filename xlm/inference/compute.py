"""What a model computes for rows of ids: class scores, sentence vectors, token states.

    scores_NC = class_scores(classifier, rows, language_ids, device)
    vectors_ND = sentence_vectors(encoder, rows, language_ids, device, pooling="mean", layer=12)

A row has its `</s>` (`enclose`, `join`). Results are in the order of the rows.

Shape legend: N rows, D dimension, C classes, V vocabulary, M positions of all rows.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xlm.bpe.vocabulary import EOS
from xlm.inference.batches import batches
from xlm.inference.text import Ids
from xlm.model.classifier import Classifier
from xlm.model.encoder import Encoder
from xlm.model.packing import select, select_first

Pooling = Literal["mean", "first"]

_EOS = np.array([EOS], dtype=np.int32)


def enclose(ids: Ids, most: int) -> Ids:
    """`</s> ids </s>`, of at most `most` tokens; the ids are truncated."""
    return np.concatenate([_EOS, ids[: most - 2], _EOS])


def join(premise: Ids, hypothesis: Ids, positions: int) -> Ids:
    """`</s> premise </s> hypothesis </s>`, with the truncation of evaluation.

    Each sentence, with the `</s>` before and after it, gets half of the position table.
    """
    longest = (positions + 1) // 2 - 2
    return np.concatenate([_EOS, premise[:longest], _EOS, hypothesis[:longest], _EOS])


def class_scores(
    classifier: Classifier,
    rows: Sequence[Ids],
    language_ids: Sequence[int],
    device: torch.device,
) -> NDArray[np.float32]:
    """The scores of the classes before the softmax, (N, C)."""
    scores_NC = np.empty((len(rows), classifier.linear.out_features), dtype=np.float32)
    with torch.inference_mode():
        for batch in batches(rows, language_ids, device):
            states_BD = classifier.encoder.states(batch.packed, select_first(batch.packed))
            scores_NC[batch.indices] = classifier.proj(states_BD).float().cpu().numpy()
    return scores_NC


def sentence_vectors(
    encoder: Encoder,
    rows: Sequence[Ids],
    language_ids: Sequence[int],
    device: torch.device,
    *,
    pooling: Pooling,
    layer: int,
    progress: Callable[[int], None] | None = None,
) -> NDArray[np.float32]:
    """The mean state of each row, with both `</s>`, or its first state, (N, D).

    Args:
        layer: 0: the normalized embeddings; 1, 2, ...: after so many layers.
        progress: receives the number of rows so far.
    """
    vectors_ND = np.empty((len(rows), encoder.description.model.dimension), dtype=np.float32)
    causal = encoder.description.causal
    done = 0
    with torch.inference_mode():
        for batch in batches(rows, language_ids, device):
            first = select_first(batch.packed) if pooling == "first" else None
            states = encoder.states(batch.packed, first, causal=causal, layers=layer)
            if first is None:
                spans = batch.packed.sequences.slices()
                states = torch.stack([states[span].mean(0) for span in spans])
            vectors_ND[batch.indices] = states.float().cpu().numpy()
            done += len(batch.indices)
            if progress:
                progress(done)
    return vectors_ND


def token_states(
    encoder: Encoder,
    rows: Sequence[Ids],
    positions: Sequence[NDArray[np.int64]],
    language_ids: Sequence[int],
    device: torch.device,
) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
    """The states at some positions of each row: the indices of a batch's rows, and (M, D).

    The states are in the order of these rows, and of the positions, which ascend in each row.
    """
    with torch.inference_mode():
        for batch in batches(rows, language_ids, device):
            width = batch.packed.shape[1]
            flat_M = np.concatenate(
                [width * row + positions[index] for row, index in enumerate(batch.indices)]
            )
            selected, _ = select(batch.packed, torch.from_numpy(flat_M).to(device))
            causal = encoder.description.causal
            yield batch.indices, encoder.states(batch.packed, selected, causal=causal)


def subtract_means(vectors_ND: NDArray[np.float32], languages: Sequence[str]) -> None:
    """Subtract from each vector the mean over the vectors of its language, in place."""
    codes_N = np.array(languages)
    for code in sorted(set(languages)):
        ours_N = codes_N == code
        vectors_ND[ours_N] -= vectors_ND[ours_N].mean(0, dtype=np.float64).astype(np.float32)
