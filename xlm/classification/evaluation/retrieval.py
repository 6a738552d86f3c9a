"""Sentence retrieval: is the nearest sentence of the other language the translation?

    retrieval = retrieve(encoder, pairs, pivot="en", limit=1000, device=device)

The embedding of a sentence is the mean of its last-layer states, with both EOS, computed as in
pretraining (causally for a CLM encoder). The distance is the cosine. Sentences that occur twice are
left out, because they have two correct answers.
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from xlm.classification.results.records import Retrieval
from xlm.dataloader.sampling.pairs import usable_pairs
from xlm.inference.compute import Pooling, enclose, sentence_vectors
from xlm.model.encoder import Encoder
from xlm.shards.lines import Lines, Pairs

MIN_PAIRS = 2
"""With one pair, the nearest sentence is always the translation."""
_BLOCK_ROWS = 2048
"""Sentences that are compared with all others at once."""


def retrieve(
    encoder: Encoder, pairs: Pairs, *, pivot: str, limit: int, device: torch.device
) -> Retrieval | None:
    """P@1 in both directions among the first `limit` distinct pairs; None: fewer than two pairs.

    Args:
        pivot: the language from which the directions are named: English, if the pair has it.
    """
    chosen = distinct_pairs(pairs, longest=encoder.description.model.max_positions - 2)[:limit]
    if len(chosen) < MIN_PAIRS:
        return None
    encoder.eval()
    first_ND, second_ND = (
        torch.from_numpy(line_vectors(encoder, lines, chosen, code, device))
        for code, lines in zip(pairs.languages, (pairs.first, pairs.second), strict=True)
    )
    if pairs.languages[0] != pivot:
        first_ND, second_ND = second_ND, first_ND
    raw = precisions(first_ND, second_ND)
    centred = precisions(first_ND - first_ND.mean(0), second_ND - second_ND.mean(0))
    return Retrieval(
        pairs=len(chosen),
        raw_from_english=raw[0],
        raw_to_english=raw[1],
        centred_from_english=centred[0],
        centred_to_english=centred[1],
    )


def distinct_pairs(pairs: Pairs, *, longest: int) -> NDArray[np.int64]:
    """Indices of the pairs with two sentences that did not occur before."""
    seen: tuple[set[bytes], set[bytes]] = (set(), set())
    kept = []
    for number in usable_pairs(pairs, longest).tolist():
        texts = [
            side.ids[side.offsets[number] : side.offsets[number + 1]].tobytes()
            for side in (pairs.first, pairs.second)
        ]
        if not any(text in known for text, known in zip(texts, seen, strict=True)):
            kept.append(number)
        for text, known in zip(texts, seen, strict=True):
            known.add(text)
    return np.array(kept, dtype=np.int64)


def line_vectors(
    encoder: Encoder,
    lines: Lines,
    chosen: NDArray[np.int64],
    language: str,
    device: torch.device,
    *,
    pooling: Pooling = "mean",
    layer: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> NDArray[np.float32]:
    """The vector of each chosen line, (N, D).

    Args:
        layer: as in `sentence_vectors`; None: the last.
        progress: receives the number of lines so far.
    """
    description = encoder.description
    rows = [
        enclose(lines.ids[lines.offsets[number] : lines.offsets[number + 1]],
                description.model.max_positions)
        for number in chosen.tolist()
    ]  # fmt: skip
    return sentence_vectors(
        encoder,
        rows,
        [description.language_id(language)] * len(rows),
        device,
        pooling=pooling,
        layer=description.model.layers if layer is None else layer,
        progress=progress,
    )


def precisions(first_ND: Tensor, second_ND: Tensor) -> tuple[float, float]:
    """P@1 from the first to the second language, and back; row i translates row i."""
    first_ND, second_ND = F.normalize(first_ND, dim=1), F.normalize(second_ND, dim=1)
    count = len(first_ND)
    forward = 0
    best_N = torch.full((count,), -torch.inf)
    nearest_N = torch.zeros(count, dtype=torch.long)
    for begin in range(0, count, _BLOCK_ROWS):
        cosine_nN = first_ND[begin : begin + _BLOCK_ROWS] @ second_ND.T
        forward += int((cosine_nN.argmax(1) == torch.arange(begin, begin + len(cosine_nN))).sum())
        block = cosine_nN.max(0)
        closer_N = block.values > best_N
        best_N[closer_N] = block.values[closer_N]
        nearest_N[closer_N] = block.indices[closer_N] + begin
    backward = int((nearest_N == torch.arange(count)).sum())
    return forward / count, backward / count
