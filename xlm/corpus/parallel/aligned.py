"""Opens the files of a parallel corpus as aligned texts: row i has a sentence and its translation.

for aligned in open_aligned(part, ("en", "sw"), inputs):
    for row in aligned.rows():
        english, swahili = aligned.decode(row)
"""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from xlm.corpus.local_files import located
from xlm.corpus.sources.downloaded_files import named_file, sole_file
from xlm.corpus.tables.opening import open_table
from xlm.corpus.tables.table import Row, Table, lines_of
from xlm.corpus.text_files.compressed import open_plain
from xlm.corpus.text_files.text_lines import Opener, TextLines, open_text
from xlm.corpus.text_files.zip_files import missing_member, open_member, open_zip
from xlm.errors import DataError

if TYPE_CHECKING:
    from xlm.config.data.downloads import PairPart
    from xlm.config.data.own.parts import Part

Codes = Sequence[tuple[str, ...]]


class Aligned(Protocol):
    """Texts of two languages in which row i of one translates row i of the other."""

    texts: Sequence[TextLines | Table]
    """The texts or the one file, to ask for what is wrong with them."""

    @property
    def name(self) -> str:
        """Name for progress."""
        ...

    def rows(self) -> Iterator[Any]:
        """All rows, still encoded.

        Raises:
            DataError: the texts are not aligned, or a column is missing.
        """
        ...

    def decode(self, row: Any) -> tuple[str, str]:
        """Decode the next row, and count what is wrong with it."""
        ...


class AlignedSides:
    """Two texts, aligned line by line."""

    def __init__(self, openers: Sequence[Opener], names: Sequence[str], languages: Sequence[str]):
        self.sides = tuple(map(open_text, openers, names, languages))
        self.texts: Sequence[TextLines | Table] = self.sides

    @property
    def name(self) -> str:
        """Name for progress."""
        return self.sides[0].name

    def rows(self) -> Iterator[tuple[bytes, bytes]]:
        """The lines of both texts.

        Raises:
            DataError: the texts have different numbers of lines.
        """
        lines = [text.lines() for text in self.sides]
        for read, (first, second) in enumerate(zip_longest(*lines)):
            if first is None or second is None:
                found = [read, read]
                found[first is None] += sum(1 for _ in lines[first is None]) + 1
                raise self._unequal(found)
            yield first, second

    def decode(self, row: tuple[bytes, bytes]) -> tuple[str, str]:
        """Decode the next row and count what is wrong with it."""
        return self.sides[0].decode(row[0]), self.sides[1].decode(row[1])

    def _unequal(self, found: Sequence[int]) -> DataError:
        first, second = self.sides
        what = f"{first.name} has {found[0]:,} lines, {second.name} has {found[1]:,}"
        fix = "the corpus is damaged or not aligned: download it again, or leave it out"
        for text in self.sides:
            if text.faults.returns:
                what += f"; {text.name} has {text.faults.returns:,} carriage returns inside lines"
                fix = "if they end lines, use the same line ending everywhere, LF or CRLF"
        return DataError(what, fix=fix)


class AlignedTable:
    """One file with a column for each language."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.texts: Sequence[TextLines | Table] = (table,)

    @property
    def name(self) -> str:
        """Name for progress."""
        return self._table.name

    def rows(self) -> Iterator[Row]:
        """The rows of the file."""
        return self._table.rows()

    def decode(self, row: Row) -> tuple[str, str]:
        """Write each sentence on one line."""
        first, second = (" ".join(lines_of(value)) for value in row)
        return first, second


def open_aligned(
    part: "PairPart | Part", languages: Sequence[str], inputs: Mapping[str, Path]
) -> Iterator[Aligned]:
    """Open the texts of a corpus one after another; each is open until the next is requested.

    Args:
        languages: the two languages of the pair.
        inputs: download id to the folder of the download.

    Raises:
        DataError: an archive is damaged, or a side is missing, has changed or is not UTF-8.
    """
    if part.kind == "moses":
        yield from _zip_members(
            sole_file(inputs[part.downloads[0]], "*.zip"), part.codes, languages
        )
    elif part.kind == "plain":
        folders = [inputs[name] for name in part.downloads]
        yield _plain_files(list(map(named_file, folders, part.files)), languages)
    elif part.kind == "moses_zip":
        for path in located(part.sides[0], inputs):
            yield from _zip_members(path, part.codes, languages)
    elif part.kind != "text":
        for path in located(part.sides[0], inputs):
            yield AlignedTable(open_table(part, path, languages))
    else:
        sides = [located(side, inputs) for side in part.sides]
        for paths in zip(*sides, strict=True):
            yield _plain_files(paths, languages)


def member_of(archive: zipfile.ZipFile, codes: tuple[str, ...]) -> str:
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


def probe_zip(path: Path, codes: Codes) -> None:
    """Check that a Moses zip has a member for each language.

    Raises:
        DataError: it is damaged, or has no such member.
    """
    with open_zip(path) as archive:
        for one in codes:
            member_of(archive, one)


def _zip_members(path: Path, codes: Codes, languages: Sequence[str]) -> Iterator[AlignedSides]:
    with ExitStack() as stack:
        archive = stack.enter_context(open_zip(path))
        names = [member_of(archive, one) for one in codes]
        openers = [partial(open_member, archive, name) for name in names]
        yield AlignedSides(openers, names, languages)


def _plain_files(paths: Sequence[Path], languages: Sequence[str]) -> AlignedSides:
    openers = [partial(open_plain, path) for path in paths]
    return AlignedSides(openers, [path.name for path in paths], languages)
