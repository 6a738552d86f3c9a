"""Held-out text in batches with the same masks every time (spec 4.4).

    for batch in masked_streams(lines, language_id=4, tokens=256, parts=5, max_chunks=None, ...):
        ...

XLM: RandomState(0) for each language or pair and split. A position is selected with probability
0.15, never the first or the last of its row, and at least one per row; its token always becomes
<special1>. Streams have one row per sequence, pairs are sorted by length, and one direction of a
pair is measured. CLM predicts every position but a row's first from the positions before it
(spec 3.5).

Without `predict_special_tokens`, </s> and <unk> are never selected. The original selects them even
if training never does (sample_alpha > 0); their losses then grow and dominate the mean.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from xlm.bpe.vocabulary import MASK, NUM_SPECIAL_TOKENS
from xlm.dataloader.batch import Batch
from xlm.dataloader.collate import join, next_tokens
from xlm.dataloader.masking.host import MaskedTokens
from xlm.dataloader.sampling.pairs import pair_lengths
from xlm.dataloader.sampling.streams import ContiguousIds, Stream
from xlm.dataloader.sequences import Sequences, join_translations
from xlm.model.formats.description import ModelDescription
from xlm.shards.lines import Pairs

RATE: Final = 0.15
"""The paper's mask rate, whatever the run trains with, so that perplexities are comparable."""
_ROWS: Final = 32


def masked_streams(
    lines: ContiguousIds,
    language_id: int,
    tokens: int,
    *,
    parts: int,
    max_chunks: int | None,
    predict_special_tokens: bool,
    seed: int = 0,
) -> Iterator[Batch]:
    """Masked chunks of a language: the first of `parts` parts of them, at most `max_chunks`."""
    random = np.random.RandomState(seed)
    for tokens_BT in _chunks(lines, tokens, parts, max_chunks):
        sequences = Sequences(tokens_BT, np.full_like(tokens_BT, language_id))
        lengths_B = sequences.lengths
        # Row by row, because the original draws for one sequence at a time.
        chosen_BT = np.concatenate(
            [
                _select(random, row_1T[None], lengths_B[:1], predict_special_tokens)
                for row_1T in tokens_BT
            ]
        )
        yield _masked(sequences, chosen_BT)


def causal_streams(
    lines: ContiguousIds, language_id: int, tokens: int, *, parts: int, max_chunks: int | None
) -> Iterator[Batch]:
    """The same chunks; each position predicts the next token."""
    for tokens_BT in _chunks(lines, tokens, parts, max_chunks):
        sequences = Sequences(tokens_BT, np.full_like(tokens_BT, language_id))
        yield join([sequences], [next_tokens(tokens_BT)], _one_task(tokens_BT), causal=True)


def masked_pairs(
    pairs: Pairs,
    usable: NDArray[np.int64],
    description: ModelDescription,
    *,
    limit: int | None,
    predict_special_tokens: bool,
) -> Iterator[Batch]:
    """The first `limit` of the usable pairs, masked, in order of length."""
    first_pairs = usable[:limit]
    chosen = first_pairs[np.argsort(pair_lengths(pairs)[first_pairs], kind="stable")]
    first, second = pairs.languages
    ids = (description.language_id(first), description.language_id(second))
    random = np.random.RandomState(0)
    for begin in range(0, len(chosen), _ROWS):
        sequences = join_translations(
            pairs.first.spans(chosen[begin : begin + _ROWS]),
            pairs.second.spans(chosen[begin : begin + _ROWS]),
            language_ids=ids,
            positions=description.model.max_positions,
        )
        chosen_BT = _select(random, sequences.tokens_BT, sequences.lengths, predict_special_tokens)
        yield _masked(sequences, chosen_BT)


def _chunks(
    lines: ContiguousIds, tokens: int, parts: int, max_chunks: int | None
) -> Iterator[NDArray[np.int64]]:
    """The first chunks of a stream of one row, (B, T) at a time."""
    stream = Stream(lines, rows=1, tokens=tokens)
    chunks = max(1, len(stream) // parts)
    if max_chunks is not None:
        chunks = min(chunks, max_chunks)
    for begin in range(0, chunks, _ROWS):
        numbers = range(begin, min(begin + _ROWS, chunks))
        yield np.concatenate([stream.chunk(number) for number in numbers])


def _select(
    random: np.random.RandomState,
    tokens_BT: NDArray[np.int64],
    lengths_B: NDArray[np.int64],
    predict_special_tokens: bool,
) -> NDArray[np.bool_]:
    """Positions to predict, (B, T); numbers are drawn column by column, as in the original."""
    rows, width = tokens_BT.shape
    columns_1T = np.arange(width)[None]
    allowed_BT = (columns_1T > 0) & (columns_1T < lengths_B[:, None] - 1)
    if not predict_special_tokens:
        allowed_BT = allowed_BT & (tokens_BT >= NUM_SPECIAL_TOKENS)
    chosen_BT: NDArray[np.bool_] = (random.rand(width, rows) <= RATE).T & allowed_BT
    for row in np.flatnonzero(~chosen_BT.any(axis=1)):
        columns = np.flatnonzero(allowed_BT[row])
        if len(columns):
            chosen_BT[row, columns[random.randint(len(columns))]] = True
    return chosen_BT


def _masked(sequences: Sequences, chosen_BT: NDArray[np.bool_]) -> Batch:
    tokens_BT = sequences.tokens_BT
    selected_N = np.flatnonzero(chosen_BT)
    masked_BT = np.where(chosen_BT, MASK, tokens_BT)
    masked = MaskedTokens(masked_BT, selected_N, tokens_BT.ravel()[selected_N])
    return join([sequences], [masked], _one_task(tokens_BT))


def _one_task(tokens_BT: NDArray[np.int64]) -> NDArray[np.int64]:
    """Task 0 for every row: validation measures one language or pair at a time."""
    return np.zeros(len(tokens_BT), dtype=np.int64)
