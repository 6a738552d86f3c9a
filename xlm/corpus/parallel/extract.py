"""The extract-parallel stage: joins the corpora of a language pair into two aligned text files.

Line i of one file is the translation of line i of the other. `text_lines.py` defines where a line
ends and which encodings are refused. A few lines with bad bytes are counted and kept, because one
of them is no reason to refuse a release with a million pairs.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import IO, TYPE_CHECKING

from xlm.corpus.sources.downloaded_files import named_file, sole_file
from xlm.corpus.text_files.compressed import open_plain
from xlm.corpus.text_files.text_lines import TextLines, open_text
from xlm.corpus.text_files.zip_files import missing_member, open_member, open_zip
from xlm.engine.stage import StageContext, StageResult
from xlm.errors import DataError

if TYPE_CHECKING:
    import zipfile

    from xlm.config.data.downloads import ExtractParallelSlice, PairPart

log = logging.getLogger(__name__)

_PROGRESS_EVERY = 10_000

Sides = tuple[TextLines, TextLines]


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
            pairs_by_corpus[f"pairs.{part.downloads[0].split('.')[0]}"] = counts.kept
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
    part: "PairPart",
    targets: Sequence[IO[str]],
    *,
    pairs_before: int,
) -> _Counts:
    """Append the pairs of one corpus to the two files."""
    counts = _Counts()
    with _open_part(context, part) as sides:
        for pair in _pairs(sides, context.config.max_pairs, counts):
            for text, target in zip(pair, targets, strict=True):
                target.write(f"{text}\n")
            if counts.kept % _PROGRESS_EVERY == 0:
                done = pairs_before + counts.kept
                context.progress.update(done, None, "pairs", sides[0].name)
    for side in sides:
        _close_side(side, counts, context.config.max_bad_lines)
    return counts


def member_of(archive: "zipfile.ZipFile", codes: tuple[str, ...]) -> str:
    """The name of the member of a Moses zip that contains a language.

    Args:
        codes: codes of the language in OPUS; the name ends in one of them.

    Raises:
        DataError: no member has such a name, or more than one.
    """
    for code in codes:
        found = [name for name in archive.namelist() if name.endswith(f".{code}")]
        if len(found) > 1:
            raise DataError(
                f"{Path(archive.filename or '').name}: several members end in .{code}: "
                f"{', '.join(repr(one[:80]) for one in found[:5])}",
                fix="this is not a Moses archive of one corpus: check sources.parallel",
            )
        if found:
            return found[0]
    raise missing_member(archive, f"ending in .{' or .'.join(codes)}")


@contextmanager
def _open_part(context: "StageContext[ExtractParallelSlice]", part: "PairPart") -> Iterator[Sides]:
    """Open both sides of a corpus, in the order of the pair's languages."""
    with ExitStack() as stack:
        if part.kind == "moses":
            path = sole_file(context.inputs[part.downloads[0]], "*.zip")
            archive = stack.enter_context(open_zip(path))
            names = [member_of(archive, codes) for codes in part.codes]
            openers = [partial(open_member, archive, name) for name in names]
        else:
            folders = [context.inputs[name] for name in part.downloads]
            paths = [
                named_file(folder, name) for folder, name in zip(folders, part.files, strict=True)
            ]
            names = [path.name for path in paths]
            openers = [partial(open_plain, path) for path in paths]
        first, second = map(open_text, openers, names, context.config.languages)
        yield first, second


def _pairs(sides: Sides, max_pairs: int | None, counts: _Counts) -> Iterator[tuple[str, str]]:
    """The pairs of one corpus; both sides are read to the end to detect unequal lengths."""
    taken = 0
    lines = [side.lines() for side in sides]
    for first, second in zip_longest(*lines):
        if first is None or second is None:
            left = sum(1 for _ in lines[first is None]) + 1
            found = [counts.read, counts.read]
            found[first is None] += left
            raise _unequal(sides, found)
        counts.read += 1
        if max_pairs is not None and taken == max_pairs:
            counts.over_cap += 1
            continue
        taken += 1
        pair = sides[0].decode(first), sides[1].decode(second)
        if pair[0].strip() and pair[1].strip():
            counts.kept += 1
            yield pair
        else:
            counts.empty += 1


def _unequal(sides: Sides, found: Sequence[int]) -> DataError:
    what = f"{sides[0].name} has {found[0]:,} lines, {sides[1].name} has {found[1]:,}"
    fix = "the corpus is damaged or not aligned: download it again, or leave it out"
    for side in sides:
        if side.faults.returns:
            what += f"; {side.name} has {side.faults.returns:,} carriage returns inside lines"
            fix = "if they end lines, use the same line ending everywhere, LF or CRLF"
    return DataError(what, fix=fix)


def _close_side(side: TextLines, counts: _Counts, max_bad_lines: float) -> None:
    """Refuse a side with too many bad lines; else count and log its oddities."""
    side.require_readable(max_bad_lines)
    faults = side.faults
    counts.not_utf8 += faults.not_utf8
    counts.with_nul += faults.with_nul
    counts.returns += faults.returns
    counts.texts_with_cr_ends += side.ends_at_returns
    if faults.bad:
        log.warning(
            "%s: %d of %d lines are not plain UTF-8 (first: line %d); their bad bytes become "
            "U+FFFD",
            side.name, faults.bad, faults.lines, faults.first_bad_line,
        )  # fmt: skip
    if side.ends_at_returns:
        log.warning("%s: lines end in CR alone; it is read as %d lines", side.name,
                    faults.lines)  # fmt: skip
