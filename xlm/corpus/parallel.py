"""The extract-parallel stage: several corpora of a pair to two files with aligned lines.

Line i of one side belongs to line i of the other, and a line ends at "\\n" alone: a CR, U+2028 or
U+0085 inside a sentence stays in it and shifts nothing. Bytes that are not UTF-8 become U+FFFD, and
the lines that hold such are counted: a release with one bad byte is still worth its million pairs.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO

from xlm.corpus.archives import missing_member, open_member, open_zip
from xlm.corpus.files import sole_file
from xlm.errors import DataError
from xlm.stage import Outcome, Work

if TYPE_CHECKING:
    import zipfile

    from xlm.corpus.specs import ExtractParallelSlice, PairPart

_PROGRESS_EVERY = 10_000
_REPLACEMENT = "\ufffd"
_BYTE_ORDER_MARK = "\ufeff"

Sides = tuple[BinaryIO, BinaryIO]
Names = tuple[str, str]


@dataclass
class _Counts:
    """What became of the lines of one pair."""

    read: int = 0
    kept: int = 0
    empty: int = 0
    over_cap: int = 0
    not_utf8: int = 0


def extract_parallel(work: "Work[ExtractParallelSlice]") -> Outcome:
    """Write `text.{language}.txt` for both languages, the corpora one behind the other.

    Raises:
        DataError: an archive is damaged, a side is missing, the sides of a corpus have unequal
            numbers of lines, or no pair is left.
    """
    counts: dict[str, int | float | str] = {}
    total = _Counts()
    work.out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        targets = [
            stack.enter_context(
                (work.out / f"text.{code}.txt").open("w", encoding="utf-8", newline="\n")
            )
            for code in work.config.languages
        ]
        for part in work.config.parts:
            found = _Counts()
            with _open_part(work, part) as (sides, names):
                for pair in _pairs(sides, names, work.config.max_pairs, found):
                    _write_pair(pair, targets)
                    if found.kept % _PROGRESS_EVERY == 0:
                        work.progress.update(total.kept + found.kept, None, "pairs", names[0])
            counts[f"pairs.{part.downloads[0].split('.')[0]}"] = found.kept
            for name, value in vars(found).items():
                setattr(total, name, getattr(total, name) + value)
    if total.kept == 0:
        raise DataError(
            f"{work.unit}: no pair is left of {total.read:,} lines ({total.empty:,} with an empty "
            "side)",
            fix="check sources.parallel for this pair",
        )
    return Outcome(
        counts={
            "pairs": total.kept,
            "lines_read": total.read,
            "empty_side": total.empty,
            "over_max_pairs": total.over_cap,
            "lines_not_utf8": total.not_utf8,
            **counts,
        }
    )


def member_of(archive: "zipfile.ZipFile", codes: tuple[str, ...]) -> str:
    """The one member of a Moses zip whose name ends in a language's code.

    Raises:
        DataError: there is none, or more than one.
    """
    for code in codes:
        found = [name for name in archive.namelist() if name.endswith(f".{code}")]
        if len(found) > 1:
            raise DataError(
                f"{Path(archive.filename or '').name}: several members end in .{code}: "
                f"{', '.join(found)}",
                fix="this is no Moses archive of one corpus: check sources.parallel",
            )
        if found:
            return found[0]
    raise missing_member(archive, f"ending in .{' or .'.join(codes)}")


@contextmanager
def _open_part(
    work: "Work[ExtractParallelSlice]", part: "PairPart"
) -> Iterator[tuple[Sides, Names]]:
    """Both sides of one corpus, in the order of the pair's languages, and what to call them."""
    with ExitStack() as stack:
        if part.kind == "moses":
            path = sole_file(work.inputs[part.downloads[0]], "*.zip")
            archive = stack.enter_context(open_zip(path))
            names = (member_of(archive, part.codes[0]), member_of(archive, part.codes[1]))
            first, second = (stack.enter_context(open_member(archive, name)) for name in names)
            yield (first, second), names
        else:
            paths = [sole_file(work.inputs[name], "*.txt") for name in part.downloads]
            one, two = (stack.enter_context(path.open("rb")) for path in paths)
            yield (one, two), (paths[0].name, paths[1].name)


def _pairs(
    sides: Sides, names: Names, max_pairs: int | None, counts: _Counts
) -> Iterator[tuple[str, str]]:
    """The pairs of one corpus; both sides are read to their end, so that a shift is always seen."""
    taken = 0
    for first, second in zip_longest(*sides):
        if first is None or second is None:
            left = sum(1 for _ in sides[first is None]) + 1
            lines = [counts.read, counts.read]
            lines[first is None] += left
            raise DataError(
                f"{names[0]} has {lines[0]:,} lines, {names[1]} has {lines[1]:,}",
                fix="the corpus is damaged or not aligned: fetch it again, or leave it out",
            )
        counts.read += 1
        if max_pairs is not None and taken == max_pairs:
            counts.over_cap += 1
            continue
        taken += 1
        pair = _decoded(first, counts), _decoded(second, counts)
        if taken == 1:
            pair = pair[0].removeprefix(_BYTE_ORDER_MARK), pair[1].removeprefix(_BYTE_ORDER_MARK)
        if pair[0].strip() and pair[1].strip():
            counts.kept += 1
            yield pair
        else:
            counts.empty += 1


def _decoded(line: bytes, counts: _Counts) -> str:
    # CRLF files: the CR belongs to the line's end, not to the sentence.
    content = line.removesuffix(b"\n").removesuffix(b"\r")
    text = content.decode("utf-8", errors="replace")
    if _REPLACEMENT in text and _REPLACEMENT.encode() not in content:
        counts.not_utf8 += 1
    return text


def _write_pair(pair: tuple[str, str], targets: Sequence[IO[str]]) -> None:
    for text, target in zip(pair, targets, strict=True):
        target.write(f"{text}\n")
