"""The most probable tokens at the masks of texts.

(candidates,) = top_tokens(encoder, [row], [4], vocabulary, device, top=5)
candidates[0]  # of the first mask: 5 candidates
"""

from collections.abc import Sequence

import numpy as np
import torch

from xlm.bpe.vocabulary import MASK, Vocabulary
from xlm.inference.compute import token_states
from xlm.inference.results import Candidate
from xlm.inference.text import Ids
from xlm.model.encoder import Encoder

_CHUNK = 256
"""Positions that are scored at once: the scores of all ids take memory."""


def top_tokens(
    encoder: Encoder,
    rows: Sequence[Ids],
    language_ids: Sequence[int],
    vocabulary: Vocabulary,
    device: torch.device,
    *,
    top: int,
) -> list[list[list[Candidate]]]:
    """The candidates of each mask of each row, the most probable first."""
    positions = [np.flatnonzero(row == MASK) for row in rows]
    found: list[list[list[Candidate]]] = [[] for _ in rows]
    with torch.inference_mode():
        for indices, states_MD in token_states(encoder, rows, positions, language_ids, device):
            masks = iter(
                _candidates(share, token_id, vocabulary)
                for chunk_MD in torch.split(states_MD, _CHUNK)
                for share, token_id in zip(*_best(encoder, chunk_MD, top), strict=True)
            )
            for index in indices.tolist():
                found[index] = [next(masks) for _ in positions[index]]
    return found


def _best(
    encoder: Encoder, states_MD: torch.Tensor, top: int
) -> tuple[list[list[float]], list[list[int]]]:
    shares_MV = encoder.predict(states_MD).float().softmax(-1)
    best = shares_MV.topk(min(top, shares_MV.shape[1]))
    return best.values.tolist(), best.indices.tolist()


def _candidates(
    shares: Sequence[float], token_ids: Sequence[int], vocabulary: Vocabulary
) -> list[Candidate]:
    return [
        Candidate(vocabulary.token(token_id), share, token_id)
        for share, token_id in zip(shares, token_ids, strict=True)
    ]
