"""Checks what stands between the parts of a dump, which no worker sees as a whole."""

from collections.abc import Sequence

from xlm.corpus.wikipedia.dump_file import DumpFile, Part
from xlm.corpus.wikipedia.pages import PageReader
from xlm.corpus.wikipedia.parts.report import PartReport
from xlm.corpus.wikipedia.sections import Section


def twins(reports: Sequence[PartReport]) -> dict[int, str]:
    """Parts whose first article has the id of the last one before, by their number.

    Of adjacent articles with the same id only the first counts.
    """
    found = {}
    last_id = ""
    for number, report in enumerate(reports):
        if last_id and report.first_id == last_id:
            found[number] = last_id
        last_id = report.last_id or last_id
    return found


def check_borders(dump: DumpFile, parts: Sequence[Part], reports: Sequence[PartReport]) -> None:
    """Check that between two parts only blanks, the rest of a page or the end of the dump stand.

    Raises:
        DataError: something else does, or a page follows the end.
    """
    between = b""
    closed = read_by_other = False
    for part, report in zip(parts, reports, strict=True):
        if not read_by_other:
            between += report.head.encode("latin-1")
        if report.pages == 0 and part.start > 0:
            continue
        reader = PageReader(dump, part)
        reader.closed = closed
        section = Section("between", 0, between, len(between))
        reader.check_between(section)
        if reader.closed:
            raise reader.damaged(section, "is not well-formed XML (a page after its end)")
        between, closed, read_by_other = b"", report.closed, report.read_on
    if between.strip():
        reader = PageReader(dump, parts[-1])
        reader.closed = closed
        reader.check_between(Section("between", 0, between, len(between)))
