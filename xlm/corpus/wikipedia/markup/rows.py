"""Removes rows of tables that a template opens (`{{table start}}`).

wikiextractor removes complete tables, `{| ... |}`, and each line that begins with `|`. If a
template opens the table, it leaves the rows `! ...` and rows that begin with spaces in the text.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cached_property

from xlm.corpus.wikipedia.markup.opaque import opaque_spans

# They begin with a line end, not with `^`: a fixed first character makes a search fast.
_RUN_OF_ROWS = re.compile(r"\n([ \t]*[!|].*(?:\n[ \t]*[!|].*)*)")
_REMAINING_ROW = re.compile(r"\n(?:[ \t]*!|[ \t]+\|)")
_HEADER = re.compile(r"[ \t]*!")
_TABLE_SYNTAX = re.compile(r"[ \t]*\|(?:[-+]|\}(?!\}))")
_ATTRIBUTE = re.compile(
    r"\b(?:scope|colspan|rowspan|style|class|width|height|v?align|bgcolor|id|lang|dir|title|abbr"
    r"|headers|data-[a-z-]{1,40})\s{0,9}=",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[ \t]*!\w[^|]*[.!?。।۔](?:\s[^|]*|<[^|]*)?")
"""Between two templates, "!Kung people live here." is text, but "!Year" is a row."""
_OPENED = re.compile(r"\{\{|\[\[|<ref\b[^<>]*(?<!/)>|<!--", re.IGNORECASE)
_CLOSED = re.compile(r"\}\}|\]\]|</ref|-->", re.IGNORECASE)
# One pattern a mark: each begins with a fixed string, which the search needs to be fast.
_TEMPLATE = (re.compile(r"\{\{"), re.compile(r"\}\}"))
_TABLE = (re.compile(r"\{\|"), re.compile(r"\|\}(?!\})"))
_MAX_INDENT = 80
"""Limit for the indent of `{|` and `|}`; it bounds the time."""


def remove_rows(text: str) -> str:
    """Remove such rows; code, complete tables and arguments of templates stay unchanged.

    Outside a table `!` and `|` are text, as in "!Kung people". A line is a row if it has several
    cells (`||`, `!!`) or attributes (`scope=`), begins with `|-`, `|+` or `|}`, or is among such
    lines or between two templates.
    """
    led = f"\n{text}"
    return _without_rows(led)[1:] if _REMAINING_ROW.search(led) else text


def _without_rows(text: str) -> str:
    """The text without such rows; it begins with a line end, before and after."""
    protected = _Protected(text)

    def rows(match: re.Match[str]) -> str:
        lines = match[1].split("\n")
        between = _between_templates(text, match)
        headers = [bool(_HEADER.match(line)) for line in lines]
        certain = [_is_row(line) for line in lines]
        among_rows = not all(headers) and (any(headers) or any(certain))
        is_single = len(lines) == 1

        def is_kept(line: str, is_row: bool) -> bool:
            if line.startswith("|") or not _balanced(line):
                return True
            prose = not between or (is_single and _SENTENCE.fullmatch(line) is not None)
            return prose and not (is_row or among_rows)

        kept = [line for line, is_row in zip(lines, certain, strict=True) if is_kept(line, is_row)]
        # The spans of templates and tables are checked last, because few pages need them.
        if len(kept) == len(lines) or protected.overlaps(match.start(1), match.end()):
            return match[0]
        return "\n" + "\n".join(kept)

    return _RUN_OF_ROWS.sub(rows, text)


def _is_row(line: str) -> bool:
    """Whether a line is certainly a row."""
    if _TABLE_SYNTAX.match(line):
        return True
    header = _HEADER.match(line) is not None
    content = line.strip(" \t").removeprefix("|").lstrip("!")
    attributes, bar, _ = line.strip(" \t|").partition("|")
    return (
        ("||" in content and not content.startswith("|"))
        or (header and "!!" in content.rstrip("!"))
        or (bar != "" and _ATTRIBUTE.search(attributes) is not None)
    )


def _between_templates(text: str, match: re.Match[str]) -> bool:
    before = text[max(0, match.start() - 2) : match.start()].rstrip("\n")
    return before.endswith("}}") and text.startswith("\n{{", match.end())


def _balanced(line: str) -> bool:
    """Whether the line closes everything that it opens."""
    return len(_OPENED.findall(line)) == len(_CLOSED.findall(line))


def _closed_spans(openings: Iterable[int], closings: Iterable[int]) -> list[tuple[int, int]]:
    """The outermost pairs of opening and closing marks; unclosed openings are text.

    Args:
        openings: the positions of marks of two characters; closings likewise.
    """
    marks = [(position, True) for position in openings]
    if not marks:
        return []
    marks += [(position, False) for position in closings]
    marks.sort()
    spans: list[tuple[int, int]] = []
    open_marks: list[int] = []
    for position, opens in marks:
        if opens:
            open_marks.append(position)
        elif open_marks:
            start = open_marks.pop()
            while spans and spans[-1][0] > start:
                spans.pop()
            spans.append((start, position + 2))
    return spans


def _begins_a_line(text: str, position: int) -> bool:
    before = text[max(0, position - _MAX_INDENT) : position].rstrip(" \t:")
    return not before or before.endswith("\n")


class _Protected:
    """The spans of a page where no row is removed."""

    def __init__(self, text: str) -> None:
        self._text = text

    def overlaps(self, start: int, end: int) -> bool:
        """Whether code of several lines, or a template or table that began before, is there."""
        enclosing = (self._templates, self._tables)
        return any(
            first < start or last > end or "\n" in self._text[first:last]
            for first, last in self._code.within(start, end)
        ) or any(spans.touch(start, start + 1) for spans in enclosing)

    @cached_property
    def _code(self) -> "_Spans":
        return _Spans(opaque_spans(self._text) if "<" in self._text else ())

    @cached_property
    def _templates(self) -> "_Spans":
        text = self._text
        return _Spans(
            _closed_spans(*([mark.start() for mark in edge.finditer(text)] for edge in _TEMPLATE))
        )

    @cached_property
    def _tables(self) -> "_Spans":
        text = self._text
        found = ([mark.start() for mark in edge.finditer(text)] for edge in _TABLE)
        return _Spans(
            _closed_spans(*([at for at in edges if _begins_a_line(text, at)] for edges in found))
        )


class _Spans:
    """Sorted spans of a text without overlaps."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        self._spans = list(spans)
        self._starts = [start for start, _ in self._spans]

    def touch(self, start: int, end: int) -> bool:
        """Whether a span overlaps `start` to `end`."""
        return any(True for _ in self.within(start, end))

    def within(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The spans that overlap `start` to `end`, from last to first."""
        for number in range(bisect_left(self._starts, end) - 1, -1, -1):
            if self._spans[number][1] <= start:
                return
            yield self._spans[number]
