"""Two sentences in one sequence: with restarted positions for TLM, without for XNLI.

joined = join_translations(first, second, language_ids=(4, 9), positions=512)
joined.tokens_BT  # </s> s1 </s> </s> s2 </s> <pad> ...
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xlm.bpe.vocabulary import EOS, PAD
from xlm.shards.lines import Lines, Spans


@dataclass(frozen=True)
class Joined:
    """A padded batch; `real_BT` is False at padding."""

    tokens_BT: NDArray[np.int64]
    languages_BT: NDArray[np.int64]
    positions_BT: NDArray[np.int64]
    real_BT: NDArray[np.bool_]


def join_translations(
    first: Spans, second: Spans, *, language_ids: tuple[int, int], positions: int
) -> Joined:
    """`</s> s1 </s> </s> s2 </s>` of pairs; the second half's positions start at 0.

    XLM: padding counts as part of the second sentence, in language and position (spec 3.3); its
    positions end at the table's last of `positions`, which no real place can tell.
    """
    border_B = first.lengths_B + 2
    total_B = border_B + second.lengths_B + 2
    columns_1T, real_BT, tokens_BT = _empty(total_B)
    _place(tokens_BT, first, np.ones_like(border_B), first.lengths_B)
    _place(tokens_BT, second, border_B + 1, second.lengths_B)
    in_first_BT = columns_1T < border_B[:, None]
    positions_BT = np.where(in_first_BT, columns_1T, columns_1T - border_B[:, None])
    return Joined(
        tokens_BT=tokens_BT,
        languages_BT=np.where(in_first_BT, *language_ids).astype(np.int64, copy=False),
        positions_BT=np.minimum(positions_BT, positions - 1, out=positions_BT),
        real_BT=real_BT,
    )


def join_nli_pairs(
    premises: Lines,
    hypotheses: Lines,
    chosen: NDArray[np.int64],
    *,
    language_ids: NDArray[np.int64],
    max_tokens: int,
) -> Joined:
    """`</s> s1 </s> s2 </s>` of the chosen rows, positions running on, one language a row.

    Each sentence is cut to `max_tokens` ids with both its EOS (XLM: in training only, spec 5; in
    evaluation the caller gives what the positions allow).
    """
    premise, hypothesis = premises.spans(chosen), hypotheses.spans(chosen)
    first_B = np.minimum(premise.lengths_B, max_tokens - 2)
    second_B = np.minimum(hypothesis.lengths_B, max_tokens - 2)
    border_B = first_B + 1
    total_B = border_B + second_B + 2
    columns_1T, real_BT, tokens_BT = _empty(total_B)
    _place(tokens_BT, premise, np.ones_like(first_B), first_B)
    _place(tokens_BT, hypothesis, border_B + 1, second_B)
    return Joined(
        tokens_BT=tokens_BT,
        languages_BT=np.broadcast_to(language_ids[:, None], tokens_BT.shape).astype(np.int64),
        positions_BT=np.broadcast_to(columns_1T, tokens_BT.shape).astype(np.int64),
        real_BT=real_BT,
    )


def enclose_lines(lines: Lines, chosen: NDArray[np.int64], *, language_id: int) -> Joined:
    """`</s> s </s>` of the chosen lines, which carry no EOS of their own."""
    spans = lines.spans(chosen)
    total_B = spans.lengths_B + 2
    columns_1T, real_BT, tokens_BT = _empty(total_B)
    _place(tokens_BT, spans, np.ones_like(total_B), spans.lengths_B)
    return Joined(
        tokens_BT=tokens_BT,
        languages_BT=np.full_like(tokens_BT, language_id),
        positions_BT=np.broadcast_to(columns_1T, tokens_BT.shape).astype(np.int64),
        real_BT=real_BT,
    )


def _empty(
    total_B: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
    """Columns, what is real, and rows of nothing but EOS and padding: ids go between the EOS."""
    columns_1T = np.arange(total_B.max())[None]
    real_BT = columns_1T < total_B[:, None]
    return columns_1T, real_BT, np.where(real_BT, np.int64(EOS), np.int64(PAD))


def _place(
    tokens_BT: NDArray[np.int64],
    spans: Spans,
    columns_B: NDArray[np.int64],
    lengths_B: NDArray[np.int64],
) -> None:
    """Copy the first ids of each span into its row, from its column on."""
    # A loop, as a batch has few rows: indices for each id would cost more than the copies.
    numbers = zip(spans.starts_B.tolist(), columns_B.tolist(), lengths_B.tolist(), strict=True)
    for row_T, (start, column, length) in zip(tokens_BT, numbers, strict=True):
        row_T[column : column + length] = spans.ids[start : start + length]
