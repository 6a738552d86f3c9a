"""The extract-parallel stage: joins the corpora of a language pair into two aligned text files.

Line i of one file is the translation of line i of the other. `text_lines.py` defines where a line
ends and which encodings are refused. A few lines with bad bytes are counted and kept, because one
of them is no reason to refuse a release with a million pairs.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from xlm.corpus.parallel.aligned import Aligned, open_aligned
from xlm.corpus.tables.table import Table
from xlm.corpus.text_files.text_lines import TextLines
from xlm.engine.stage import StageContext, StageResult
from xlm.errors import DataError

if TYPE_CHECKING:
    from xlm.config.data.downloads import ExtractParallelSlice, PairPart
    from xlm.config.data.own.parts import Part

log = logging.getLogger(__name__)

_PROGRESS_EVERY = 10_000


@dataclass
class _Counts:
    """Counts of the lines of a pair."""

    read: int = 0
    kept: int = 0
    empty: int = 0
    over_cap: int = 0
    not_utf8: int = 0
    with_nul: int = 0
    returns: int = 0
    texts_with_cr_ends: int = 0
    malformed: int = 0

    def add(self, other: "_Counts") -> None:
        """Add the counts of another corpus."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def as_manifest(self) -> dict[str, int]:
        """The counts under their names in the manifest."""
        return {
            "pairs": self.kept,
            "lines_read": self.read,
            "empty_side": self.empty,
            "over_max_pairs": self.over_cap,
            "lines_not_utf8": self.not_utf8,
            "lines_with_nul": self.with_nul,
            "returns_inside_lines": self.returns,
            "texts_with_cr_line_ends": self.texts_with_cr_ends,
            "malformed_rows": self.malformed,
        }


def extract_parallel(context: "StageContext[ExtractParallelSlice]") -> StageResult:
    """Write `text.{language}.txt` for both languages, one corpus after another.

    Raises:
        DataError: an archive is damaged, a side is missing or is not UTF-8, the two sides of a
            corpus have different numbers of lines, or no pair is left.
    """
    pairs_by_corpus: dict[str, int] = {}
    total = _Counts()
    context.out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        targets = [
            stack.enter_context(
                (context.out / f"text.{code}.txt").open("w", encoding="utf-8", newline="\n")
            )
            for code in context.config.languages
        ]
        for part in context.config.parts:
            counts = _copy_part(context, part, targets, pairs_before=total.kept)
            pairs_by_corpus[f"pairs.{part.name}"] = counts.kept
            total.add(counts)
    if total.kept == 0:
        raise DataError(
            f"{context.unit}: no pairs are left of {total.read:,} lines "
            f"({total.empty:,} with an empty side)",
            fix="check sources.parallel for this pair",
        )
    return StageResult(counts={**total.as_manifest(), **pairs_by_corpus})


def _copy_part(
    context: "StageContext[ExtractParallelSlice]",
    part: "PairPart | Part",
    targets: Sequence[IO[str]],
    *,
    pairs_before: int,
) -> _Counts:
    """Append the pairs of one corpus to the two files."""
    counts = _Counts()
    config = context.config
    for aligned in open_aligned(part, config.languages, context.inputs):
        for pair in _pairs(aligned, config.max_pairs, counts):
            for text, target in zip(pair, targets, strict=True):
                target.write(f"{text}\n")
            if counts.kept % _PROGRESS_EVERY == 0:
                done = pairs_before + counts.kept
                context.progress.update(done, None, "pairs", aligned.name)
        for side in aligned.texts:
            _close_side(side, counts, config.max_bad_lines)
    return counts


def _pairs(aligned: Aligned, max_pairs: int | None, counts: _Counts) -> Iterator[tuple[str, str]]:
    """The pairs of a text; it is read to the end to detect unequal lengths."""
    for row in aligned.rows():
        counts.read += 1
        if max_pairs is not None and counts.kept + counts.empty == max_pairs:
            counts.over_cap += 1
            continue
        pair = aligned.decode(row)
        if pair[0].strip() and pair[1].strip():
            counts.kept += 1
            yield pair
        else:
            counts.empty += 1


def _close_side(side: TextLines | Table, counts: _Counts, max_bad_lines: float) -> None:
    """Refuse a side with too many bad lines; else count and log its oddities."""
    side.require_readable(max_bad_lines)
    text = side.text if isinstance(side, Table) else side
    if isinstance(side, Table):
        counts.malformed += side.malformed
        if side.malformed:
            log.warning(
                "%s: %d rows are left out; %s", side.path, side.malformed, side.first_malformed
            )
    faults = text.faults
    counts.not_utf8 += faults.not_utf8
    counts.with_nul += faults.with_nul
    counts.returns += faults.returns
    counts.texts_with_cr_ends += text.ends_at_returns
    if faults.bad:
        log.warning(
            "%s: %d of %d lines are not plain UTF-8 (first: line %d); their bad bytes become "
            "U+FFFD",
            text.name, faults.bad, faults.lines, faults.first_bad_line,
        )  # fmt: skip
    if text.ends_at_returns:
        log.warning("%s: lines end in CR alone; it is read as %d lines", text.name,
                    faults.lines)  # fmt: skip
