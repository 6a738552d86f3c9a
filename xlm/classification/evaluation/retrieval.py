"""Sentence retrieval: is the nearest sentence of the other language the translation?

    retrieval = retrieve(encoder, pairs, english="en", limit=1000, device=device)

The embedding of a sentence is the mean of its last-layer states, with both EOS, computed as in
pretraining (causally for a CLM encoder). The distance is the cosine. Sentences that occur twice are
left out, because they have two correct answers.
"""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from xlm.classification.results.records import Retrieval
from xlm.dataloader.sampling.pairs import line_lengths, usable_pairs
from xlm.dataloader.sequences import enclose_sentences
from xlm.model.encoder import Encoder
from xlm.shards.lines import Lines, Pairs

_BATCH_ROWS = 64
_MIN_PAIRS = 2


def retrieve(
    encoder: Encoder, pairs: Pairs, *, english: str, limit: int, device: torch.device
) -> Retrieval | None:
    """P@1 in both directions among the first `limit` distinct pairs; None: fewer than two pairs.

    Args:
        english: code of English, from which the directions are named.
    """
    chosen = distinct_pairs(pairs, longest=encoder.description.model.max_positions - 2)[:limit]
    if len(chosen) < _MIN_PAIRS:
        return None
    first_ND, second_ND = (
        mean_states(encoder, lines, chosen, encoder.description.language_id(code), device)
        for code, lines in zip(pairs.languages, (pairs.first, pairs.second), strict=True)
    )
    if pairs.languages[0] != english:
        first_ND, second_ND = second_ND, first_ND
    raw = _precision(first_ND, second_ND)
    centred = _precision(first_ND - first_ND.mean(0), second_ND - second_ND.mean(0))
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


def mean_states(
    encoder: Encoder,
    lines: Lines,
    chosen: NDArray[np.int64],
    language_id: int,
    device: torch.device,
) -> Tensor:
    """The mean last-layer state of each chosen line, (N, D), on the CPU."""
    order = np.argsort(line_lengths(lines)[chosen], kind="stable")
    states_ND = torch.empty(len(chosen), encoder.description.model.dimension)
    encoder.eval()
    with torch.inference_mode():
        for begin in range(0, len(order), _BATCH_ROWS):
            rows = order[begin : begin + _BATCH_ROWS]
            sequences = enclose_sentences(lines, chosen[rows], language_id=language_id)
            mask_BT = sequences.attention_mask_BT
            lengths_B1 = torch.from_numpy(sequences.lengths).to(device)[:, None]
            # The encoder's states at padding are zero, so the sum is over tokens alone.
            hidden_BTD = encoder(
                torch.from_numpy(sequences.tokens_BT).to(device),
                torch.from_numpy(sequences.languages_BT).to(device),
                attention_mask_BT=None if mask_BT is None else torch.from_numpy(mask_BT).to(device),
                causal=encoder.description.causal,
            )
            states_ND[rows] = (hidden_BTD.sum(1) / lengths_B1).cpu()
    return states_ND


def _precision(english_ND: Tensor, other_ND: Tensor) -> tuple[float, float]:
    """P@1 from English and to English."""
    cosine_NN = F.normalize(english_ND, dim=1) @ F.normalize(other_ND, dim=1).T
    correct_N = torch.arange(len(cosine_NN))
    forward = (cosine_NN.argmax(1) == correct_N).double().mean().item()
    backward = (cosine_NN.argmax(0) == correct_N).double().mean().item()
    return forward, backward
