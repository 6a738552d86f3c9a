"""Padded rows of token ids, built from sentences and sentence pairs.

sequences = join_translations(first, second, language_ids=(4, 9), positions=512)
sequences.tokens_BT  # </s> s1 </s> </s> s2 </s> <pad> ...
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from xlm.bpe.vocabulary import EOS, PAD
from xlm.shards.lines import Examples, Lines, Spans

ScalarT = TypeVar("ScalarT", bound=np.generic)


@dataclass(frozen=True)
class Sequences:
    """Rows of token ids and their language ids, (B, T) each, not masked yet."""

    tokens_BT: NDArray[np.int64]
    languages_BT: NDArray[np.int64]
    positions_BT: NDArray[np.int64] | None = None
    """None: 0..T-1 in every row."""
    attention_mask_BT: NDArray[np.bool_] | None = None
    """True at tokens, False at padding; None: no padding."""

    def __len__(self) -> int:
        return len(self.tokens_BT)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each row, padding excluded."""
        if self.attention_mask_BT is None:
            return np.full(len(self), self.tokens_BT.shape[1], dtype=np.int64)
        lengths_B: NDArray[np.int64] = self.attention_mask_BT.sum(1)
        return lengths_B


def join_translations(
    first: Spans, second: Spans, *, language_ids: tuple[int, int], positions: int
) -> Sequences:
    """`</s> s1 </s> </s> s2 </s>` for each pair; positions restart at 0 in the second sentence.

    XLM: padding has the language and the continued positions of the second sentence (spec 3.3).
    Positions of padding are capped at the last row of the table, `positions` - 1; tokens never
    reach the cap.
    """
    border_B = first.lengths_B + 2
    total_B = border_B + second.lengths_B + 2
    columns_1T, attention_mask_BT, tokens_BT = _only_eos(total_B)
    _write(tokens_BT, first, np.ones_like(border_B), first.lengths_B)
    _write(tokens_BT, second, border_B + 1, second.lengths_B)
    in_first_BT = columns_1T < border_B[:, None]
    positions_BT = np.where(in_first_BT, columns_1T, columns_1T - border_B[:, None])
    return Sequences(
        tokens_BT=tokens_BT,
        languages_BT=np.where(in_first_BT, *language_ids).astype(np.int64, copy=False),
        positions_BT=np.minimum(positions_BT, positions - 1, out=positions_BT),
        attention_mask_BT=attention_mask_BT,
    )


def join_examples(
    examples: Examples,
    chosen: NDArray[np.int64],
    *,
    language_ids: NDArray[np.int64],
    max_tokens: int,
) -> Sequences:
    """`</s> s1 </s> s2 </s>` for each chosen pair; positions continue, one language per row.

    Single sentences are `</s> s </s>`.

    Each sentence is truncated to `max_tokens` ids, including the `</s>` before and after it. XLM
    truncates in training only (spec 5); in evaluation, callers pass what the position table allows.
    """
    first = examples.first.spans(chosen)
    first_B = np.minimum(first.lengths_B, max_tokens - 2)
    border_B = first_B + 1
    total_B = border_B + 1
    if examples.second is None:
        columns_1T, attention_mask_BT, tokens_BT = _only_eos(total_B)
    else:
        second = examples.second.spans(chosen)
        second_B = np.minimum(second.lengths_B, max_tokens - 2)
        columns_1T, attention_mask_BT, tokens_BT = _only_eos(total_B + second_B + 1)
        _write(tokens_BT, second, border_B + 1, second_B)
    _write(tokens_BT, first, np.ones_like(first_B), first_B)
    return Sequences(
        tokens_BT=tokens_BT,
        languages_BT=np.broadcast_to(language_ids[:, None], tokens_BT.shape).astype(np.int64),
        positions_BT=np.broadcast_to(columns_1T, tokens_BT.shape).astype(np.int64),
        attention_mask_BT=attention_mask_BT,
    )


def enclose_sentences(lines: Lines, chosen: NDArray[np.int64], *, language_id: int) -> Sequences:
    """`</s> s </s>` for each chosen line; `lines` contain no EOS."""
    spans = lines.spans(chosen)
    total_B = spans.lengths_B + 2
    columns_1T, attention_mask_BT, tokens_BT = _only_eos(total_B)
    _write(tokens_BT, spans, np.ones_like(total_B), spans.lengths_B)
    return Sequences(
        tokens_BT=tokens_BT,
        languages_BT=np.full_like(tokens_BT, language_id),
        positions_BT=np.broadcast_to(columns_1T, tokens_BT.shape).astype(np.int64),
        attention_mask_BT=attention_mask_BT,
    )


def concatenate_rows(parts: Sequence[Sequences]) -> Sequences:
    """The rows of all parts, padded to the longest.

    Either all parts have positions and attention masks (pairs), or none has (streams).
    """
    if len(parts) == 1:
        return parts[0]
    width = max(part.tokens_BT.shape[1] for part in parts)
    positions = [part.positions_BT for part in parts if part.positions_BT is not None]
    masks = [part.attention_mask_BT for part in parts if part.attention_mask_BT is not None]
    return Sequences(
        tokens_BT=_pad([part.tokens_BT for part in parts], width, PAD),
        languages_BT=_pad([part.languages_BT for part in parts], width, 0),
        positions_BT=_pad(positions, width, 0) if positions else None,
        attention_mask_BT=_pad(masks, width, 0) if masks else None,
    )


def _pad(arrays: Sequence[NDArray[ScalarT]], width: int, padding: int) -> NDArray[ScalarT]:
    padded = np.full((sum(map(len, arrays)), width), padding, dtype=arrays[0].dtype)
    row = 0
    for array in arrays:
        padded[row : row + len(array), : array.shape[1]] = array
        row += len(array)
    return padded


def _only_eos(
    total_B: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
    """Column numbers, attention mask, and rows of EOS and padding to write sentences into."""
    columns_1T = np.arange(total_B.max())[None]
    attention_mask_BT = columns_1T < total_B[:, None]
    tokens_BT = np.where(attention_mask_BT, np.int64(EOS), np.int64(PAD))
    return columns_1T, attention_mask_BT, tokens_BT


def _write(
    tokens_BT: NDArray[np.int64],
    spans: Spans,
    columns_B: NDArray[np.int64],
    lengths_B: NDArray[np.int64],
) -> None:
    """Copy the first `lengths_B` ids of each span into its row, starting at its column."""
    # A loop, because a batch has few rows: an index for each id would cost more than the copies.
    numbers = zip(spans.starts_B.tolist(), columns_B.tolist(), lengths_B.tolist(), strict=True)
    for row_T, (start, column, length) in zip(tokens_BT, numbers, strict=True):
        row_T[column : column + length] = spans.ids[start : start + length]
