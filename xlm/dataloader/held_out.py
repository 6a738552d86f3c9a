"""Held-out text in batches whose masks are the same every time (spec 4.4).

    for batch in masked_streams(lines, language_id=4, tokens=256, parts=5, max_chunks=None):
        ...

XLM: RandomState(0) for each language or pair and split; a cell is chosen with probability 0.15,
never the first, nor the last of its row; at least one a row; it always becomes <special1>. Streams
come in rows of one, pairs sorted by length. Of a pair we measure one direction. CLM predicts each
place from those before it, all but a row's last (spec 3.5).
With `predict_special_tokens=False`, </s> and <unk> are never predicted. The original predicts them
even where training never does (sample_alpha > 0); their losses then grow and dominate all others.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from xlm.bpe.vocabulary import MASK, NUM_SPECIAL_TOKENS
from xlm.dataloader.batch import Batch, Selected
from xlm.dataloader.concatenate import join_translations
from xlm.dataloader.masking.collate import next_tokens
from xlm.dataloader.pairs import pair_tokens
from xlm.dataloader.steps import Inputs
from xlm.dataloader.streams import Stream
from xlm.model.formats.description import ModelDescription
from xlm.shards.lines import Lines, Pairs

RATE: Final = 0.15
"""The paper's share, whatever the run trains with, so that perplexities can be compared."""
_ROWS: Final = 32


def masked_streams(
    lines: Lines,
    language_id: int,
    tokens: int,
    *,
    parts: int,
    max_chunks: int | None,
    predict_special_tokens: bool,
) -> Iterator[Batch]:
    """The first of `parts` parts of a language's chunks, `max_chunks` at most, with masks."""
    random = np.random.RandomState(0)
    for tokens_BT in _chunks(lines, tokens, parts, max_chunks):
        lengths_B = np.full(len(tokens_BT), tokens)
        # Drawn row by row, as the original does with one sequence a batch.
        chosen_BT = np.concatenate(
            [
                _choose(random, row_1T[None], lengths_B[:1], predict_special_tokens)
                for row_1T in tokens_BT
            ]
        )
        yield _masked(tokens_BT, np.full_like(tokens_BT, language_id), None, None, chosen_BT)


def causal_streams(
    lines: Lines, language_id: int, tokens: int, *, parts: int, max_chunks: int | None
) -> Iterator[Batch]:
    """The same chunks, of which each place is to be told from those before it."""
    for tokens_BT in _chunks(lines, tokens, parts, max_chunks):
        languages_BT = np.full_like(tokens_BT, language_id)
        yield next_tokens(0, Inputs(tokens_BT, languages_BT, None, None))


def masked_pairs(
    pairs: Pairs,
    usable: NDArray[np.int64],
    description: ModelDescription,
    *,
    limit: int | None,
    predict_special_tokens: bool,
) -> Iterator[Batch]:
    """The first `limit` of the usable pairs, the shortest first, with masks."""
    first_pairs = usable[:limit]
    chosen = first_pairs[np.argsort(pair_tokens(pairs)[first_pairs], kind="stable")]
    first, second = pairs.languages
    ids = (description.language_id(first), description.language_id(second))
    random = np.random.RandomState(0)
    for begin in range(0, len(chosen), _ROWS):
        joined = join_translations(
            pairs.first.spans(chosen[begin : begin + _ROWS]),
            pairs.second.spans(chosen[begin : begin + _ROWS]),
            language_ids=ids,
            positions=description.model.max_positions,
        )
        chosen_BT = _choose(random, joined.tokens_BT, joined.real_BT.sum(1), predict_special_tokens)
        yield _masked(
            joined.tokens_BT, joined.languages_BT, joined.positions_BT, joined.real_BT, chosen_BT
        )


def _chunks(
    lines: Lines, tokens: int, parts: int, max_chunks: int | None
) -> Iterator[NDArray[np.int64]]:
    """The first chunks of a stream of one row, (B, T) at a time."""
    stream = Stream(lines, rows=1, tokens=tokens)
    chunks = max(1, len(stream) // parts)
    if max_chunks is not None:
        chunks = min(chunks, max_chunks)
    for begin in range(0, chunks, _ROWS):
        numbers = range(begin, min(begin + _ROWS, chunks))
        yield np.concatenate([stream.chunk(number) for number in numbers])


def _choose(
    random: np.random.RandomState,
    tokens_BT: NDArray[np.int64],
    lengths_B: NDArray[np.int64],
    predict_special_tokens: bool,
) -> NDArray[np.bool_]:
    """Cells to predict, (B, T); numbers are drawn time by time, as in the original's layout."""
    rows, width = tokens_BT.shape
    columns_1T = np.arange(width)[None]
    allowed_BT = (columns_1T > 0) & (columns_1T < lengths_B[:, None] - 1)
    if not predict_special_tokens:
        allowed_BT = allowed_BT & (tokens_BT >= NUM_SPECIAL_TOKENS)
    chosen_BT: NDArray[np.bool_] = (random.rand(width, rows) <= RATE).T & allowed_BT
    for row in np.flatnonzero(~chosen_BT.any(axis=1)):
        places = np.flatnonzero(allowed_BT[row])
        if len(places):
            chosen_BT[row, places[random.randint(len(places))]] = True
    return chosen_BT


def _masked(
    tokens_BT: NDArray[np.int64],
    languages_BT: NDArray[np.int64],
    positions_BT: NDArray[np.int64] | None,
    real_BT: NDArray[np.bool_] | None,
    chosen_BT: NDArray[np.bool_],
) -> Batch:
    selected_N = np.flatnonzero(chosen_BT)
    return Batch(
        tokens_BT=np.where(chosen_BT, MASK, tokens_BT),
        languages_BT=languages_BT,
        positions_BT=positions_BT,
        real_BT=real_BT,
        step_B=np.zeros(len(tokens_BT), dtype=np.int64),
        predicted=Selected(selected_N, tokens_BT.ravel()[selected_N]),
    )
