"""Removes elements whose content is not text, and replaces formulas and code by placeholders."""

import re
from collections.abc import Set
from functools import cache

from xlm.corpus.wikipedia.wikitext.nesting import Span, outermost_spans, without_spans
from xlm.corpus.wikipedia.wikitext.tag_ends import TagEnds

_REMOVED = (
    "gallery", "timeline", "noinclude", "pre", "table", "tr", "td", "th", "caption", "form",
    "input", "select", "option", "textarea", "ul", "li", "ol", "dl", "dt", "dd", "menu", "dir",
    "ref", "references", "img", "imagemap", "source", "small", "inputbox", "includeonly",
    "categorytree",
)  # fmt: skip
"""In this order: of two that overlap, the first is removed and the second loses its partner."""
_UNPAIRED = "noinclude"
"""Its tags are removed without a partner, too."""
_PLACEHOLDERS = {"math": "formula", "code": "codice"}
_NAME = re.compile(r"<\s*(?:/\s*)?([A-Za-z][A-Za-z0-9]*|!--)")


def tag_names(text: str) -> Set[str]:
    """The names of all tags in the text, lower case; `!--` for comments."""
    return {name.lower() for name in set(_NAME.findall(text))}


def remove_elements(text: str, names: Set[str]) -> str:
    """Remove such elements; of an element without an end only a closing tag is removed."""
    for name in _REMOVED:
        if name in names:
            text = _without(text, name)
    return text


def _without(text: str, name: str) -> str:
    opening, closing, stray = _edges(name)
    closings = [tag.span() for tag in closing.finditer(text)]
    openings = _openings(text, opening) if closings else []
    if openings:
        text = without_spans(text, outermost_spans(openings, closings))
    return stray.sub("", text)


def _openings(text: str, opening: re.Pattern[str]) -> list[Span]:
    """The opening tags, without those that close themselves (`<small />`)."""
    found: list[Span] = []
    ends = TagEnds(text)
    position = 0
    while tag := opening.search(text, position):
        position = tag.end()
        end = ends.quoted(position)
        if end > 0 and text[end - 2] != "/":
            found.append((tag.start(), end))
            position = end
    return found


@cache
def _edges(name: str) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    closing = rf"<\s*/\s*{name}\s*>"
    stray = rf"<\s*/?\s*{name}\s*/?\s*>" if name == _UNPAIRED else closing
    opening = rf"<\s*{name}\b"
    return (
        re.compile(opening, re.IGNORECASE),
        re.compile(closing, re.IGNORECASE),
        re.compile(stray, re.IGNORECASE),
    )


def replace_placeholders(text: str) -> str:
    """Replace `<math>` by `formula_1` and `<code>` by `codice_1`; equal ones get equal numbers."""
    if "<" not in text:
        return text
    for name, word in _PLACEHOLDERS.items():
        text = _numbered(text, name, word)
    return text


def _numbered(text: str, name: str, word: str) -> str:
    opening, closing = _element(name)
    kept: list[str] = []
    done = count = 0
    numbers: dict[str, int] = {}
    while (start := opening.search(text, done)) and (end := closing.search(text, start.end())):
        count += 1
        number = numbers.setdefault(text[start.start() : end.end()], count)
        kept += (text[done : start.start()], f"{word}_{number}")
        done = end.end()
    return "".join([*kept, text[done:]]) if kept else text


@cache
def _element(name: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    return (
        re.compile(rf"<\s*{name}(?:\s[^>]*)?>", re.IGNORECASE),
        re.compile(rf"<\s*/\s*{name}\s*>", re.IGNORECASE),
    )
