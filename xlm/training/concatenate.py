"""Two sentences in one sequence: with restarted positions for TLM, without for XNLI.

joined = join_translations(first, second, pairs_of_batch, language_ids=(4, 9), positions=512)
joined.tokens_BT  # </s> s1 </s> </s> s2 </s> <pad> ...
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xlm.bpe.vocabulary import EOS, PAD
from xlm.shards.lines import Lines


@dataclass(frozen=True)
class Joined:
    """A padded batch; `real_BT` is False at padding."""

    tokens_BT: NDArray[np.int64]
    languages_BT: NDArray[np.int64]
    positions_BT: NDArray[np.int64]
    real_BT: NDArray[np.bool_]


def join_translations(
    first: Lines,
    second: Lines,
    chosen: NDArray[np.int64],
    *,
    language_ids: tuple[int, int],
    positions: int,
) -> Joined:
    """`</s> s1 </s> </s> s2 </s>` of the chosen pairs; the second half's positions start at 0.

    XLM: padding counts as part of the second sentence, in language and position (spec 3.3); its
    positions end at the table's last of `positions`, which no real place can tell.
    """
    first_B1, second_B1 = _lengths(first, chosen), _lengths(second, chosen)
    border_B1 = first_B1 + 2
    total_B1 = border_B1 + second_B1 + 2
    columns_1T = np.arange(total_B1.max())[None]
    tokens_BT = np.full((len(chosen), columns_1T.shape[1]), PAD, dtype=np.int64)
    _place(tokens_BT, first, chosen, np.ones_like(first_B1))
    _place(tokens_BT, second, chosen, border_B1 + 1)
    _put_eos(tokens_BT, np.zeros_like(border_B1), border_B1 - 1, border_B1, total_B1 - 1)
    in_first_BT = columns_1T < border_B1
    positions_BT = np.where(in_first_BT, columns_1T, columns_1T - border_B1)
    return Joined(
        tokens_BT=tokens_BT,
        languages_BT=np.where(in_first_BT, *language_ids).astype(np.int64),
        positions_BT=np.minimum(positions_BT, positions - 1),
        real_BT=columns_1T < total_B1,
    )


def join_inferences(
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
    longest = max_tokens - 2
    first_B1 = np.minimum(_lengths(premises, chosen), longest)
    second_B1 = np.minimum(_lengths(hypotheses, chosen), longest)
    border_B1 = first_B1 + 1
    total_B1 = border_B1 + second_B1 + 2
    columns_1T = np.arange(total_B1.max())[None]
    tokens_BT = np.full((len(chosen), columns_1T.shape[1]), PAD, dtype=np.int64)
    _place(tokens_BT, premises, chosen, np.ones_like(first_B1), longest)
    _place(tokens_BT, hypotheses, chosen, border_B1 + 1, longest)
    _put_eos(tokens_BT, np.zeros_like(border_B1), border_B1, total_B1 - 1)
    return Joined(
        tokens_BT=tokens_BT,
        languages_BT=np.broadcast_to(language_ids[:, None], tokens_BT.shape).astype(np.int64),
        positions_BT=np.broadcast_to(columns_1T, tokens_BT.shape).astype(np.int64),
        real_BT=columns_1T < total_B1,
    )


def enclose_lines(lines: Lines, chosen: NDArray[np.int64], *, language_id: int) -> Joined:
    """`</s> s </s>` of the chosen lines, which carry no EOS of their own."""
    lengths_B1 = _lengths(lines, chosen)
    columns_1T = np.arange(lengths_B1.max() + 2)[None]
    tokens_BT = np.full((len(chosen), columns_1T.shape[1]), PAD, dtype=np.int64)
    _place(tokens_BT, lines, chosen, np.ones_like(lengths_B1))
    _put_eos(tokens_BT, np.zeros_like(lengths_B1), lengths_B1 + 1)
    return Joined(
        tokens_BT=tokens_BT,
        languages_BT=np.full_like(tokens_BT, language_id),
        positions_BT=np.broadcast_to(columns_1T, tokens_BT.shape).astype(np.int64),
        real_BT=columns_1T < lengths_B1 + 2,
    )


def _lengths(lines: Lines, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    return (lines.offsets[chosen + 1] - lines.offsets[chosen])[:, None]


def _put_eos(tokens_BT: NDArray[np.int64], *columns_B1: NDArray[np.int64]) -> None:
    columns_BC = np.concatenate(columns_B1, axis=1)
    tokens_BT[np.arange(len(tokens_BT))[:, None], columns_BC] = EOS


def _place(
    tokens_BT: NDArray[np.int64],
    lines: Lines,
    chosen: NDArray[np.int64],
    columns_B1: NDArray[np.int64],
    longest: int | None = None,
) -> None:
    """Copy each chosen line into its row, from its column on."""
    starts = lines.offsets[chosen]
    lengths = lines.offsets[chosen + 1] - starts
    if longest is not None:
        lengths = np.minimum(lengths, longest)
    rows = np.repeat(np.arange(len(chosen)), lengths)
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    tokens_BT[rows, columns_B1[rows, 0] + within] = lines.ids[starts[rows] + within]
