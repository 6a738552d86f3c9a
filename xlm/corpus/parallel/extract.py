"""The extract-parallel stage: joins the corpora of a language pair into two aligned text files.

Each corpus is read by one worker process: its archive can only be read from the start.

Line i of one file is the translation of line i of the other. `text_lines.py` defines where a line
ends and which encodings are refused. A few lines with bad bytes are counted and kept, because one
of them is no reason to refuse a release with a million pairs.
"""

import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from xlm.corpus.parallel.aligned import Aligned, open_aligned
from xlm.corpus.tables.table import Table
from xlm.corpus.text_files.text_lines import TextLines
from xlm.engine.stage import StageContext, StageResult
from xlm.errors import DataError

if TYPE_CHECKING:
    from xlm.config.data.downloads import ExtractParallelSlice, PairPart
    from xlm.config.data.own.parts import Part

log = logging.getLogger(__name__)


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
    warnings: list[str] = field(default_factory=list)

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


@dataclass(frozen=True)
class _Corpus:
    """One corpus of a pair, for a worker process."""

    part: "PairPart | Part"
    config: "ExtractParallelSlice"
    inputs: Mapping[str, Path]
    targets: tuple[Path, ...]


def extract_parallel(context: "StageContext[ExtractParallelSlice]") -> StageResult:
    """Write `text.{language}.txt` for both languages, one corpus after another.

    Raises:
        DataError: an archive is damaged, a side is missing or is not UTF-8, the two sides of a
            corpus have different numbers of lines, or no pair is left.
    """
    config = context.config
    context.out.mkdir(parents=True, exist_ok=True)
    context.scratch.mkdir(parents=True, exist_ok=True)
    names = [f"text.{code}.txt" for code in config.languages]
    corpora = [
        _Corpus(
            part,
            config,
            context.inputs,
            tuple((context.scratch if number else context.out) / f"{name}{number or ''}"
                  for name in names),
        )
        for number, part in enumerate(config.parts)
    ]  # fmt: skip
    total = _Counts()
    pairs_by_corpus: dict[str, int] = {}
    for corpus, counts in zip(corpora, context.mapper.map(_extract, corpora), strict=True):
        pairs_by_corpus[f"pairs.{corpus.part.name}"] = counts.kept
        total.add(counts)
        for line in counts.warnings:
            log.warning("%s", line)
        if corpus is not corpora[0]:
            for name, path in zip(names, corpus.targets, strict=True):
                _append(path, context.out / name)
        context.progress.update(total.kept, None, "pairs", corpus.part.name)
    if total.kept == 0:
        raise DataError(
            f"{context.unit}: no pairs are left of {total.read:,} lines "
            f"({total.empty:,} with an empty side)",
            fix="check sources.parallel for this pair",
        )
    return StageResult(counts={**total.as_manifest(), **pairs_by_corpus})


def _append(part: Path, target: Path) -> None:
    with part.open("rb") as source, target.open("ab") as file:
        shutil.copyfileobj(source, file)
    part.unlink()


def _extract(corpus: _Corpus) -> _Counts:
    """Write the pairs of one corpus, in a worker process."""
    counts = _Counts()
    config = corpus.config
    with ExitStack() as stack:
        targets = [
            stack.enter_context(path.open("w", encoding="utf-8", newline="\n"))
            for path in corpus.targets
        ]
        for aligned in open_aligned(corpus.part, config.languages, corpus.inputs):
            for pair in _pairs(aligned, config.max_pairs, counts):
                for text, target in zip(pair, targets, strict=True):
                    target.write(f"{text}\n")
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
            counts.warnings.append(
                f"{side.path}: {side.malformed} rows are left out; {side.first_malformed}"
            )
    faults = text.faults
    counts.not_utf8 += faults.not_utf8
    counts.with_nul += faults.with_nul
    counts.returns += faults.returns
    counts.texts_with_cr_ends += text.ends_at_returns
    if faults.bad:
        counts.warnings.append(
            f"{text.name}: {faults.bad} of {faults.lines} lines are not plain UTF-8 (first: line "
            f"{faults.first_bad_line}); their bad bytes become U+FFFD"
        )
    if text.ends_at_returns:
        counts.warnings.append(
            f"{text.name}: lines end in CR alone; it is read as {faults.lines} lines"
        )
