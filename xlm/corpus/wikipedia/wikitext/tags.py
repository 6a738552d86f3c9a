"""Removes comments and tags; the text between the tags stays.

The tags of `<b>` and other formats vanish, `<br>` becomes a space and `<p>` a line end if text
touches it on both sides.
"""

import re
from collections.abc import Iterable, Set

from xlm.corpus.wikipedia.wikitext.nesting import Span
from xlm.corpus.wikipedia.wikitext.tag_ends import TagEnds

COMMENT = "!--"
_BREAKS = frozenset(("br", "hr"))
_BLOCKS = frozenset(("center", "h1", "h2", "h3", "h4", "p"))
_FORMATS = frozenset(
    (
        "a", "abbr", "b", "bdi", "big", "blockquote", "cite", "div", "em", "font", "hiero", "i",
        "kbd", "nowiki", "plaintext", "poem", "s", "section", "span", "strike", "strong", "sub",
        "sup", "tt", "u", "var",
    )
)  # fmt: skip
_EMPTY = frozenset(("nowiki", "ref", "references", "templatestyles"))
"""Removed where they close themselves: `<ref name="a" />`."""
_NO_BREAK = "nobr"


def _one_of(names: Set[str]) -> str:
    return f"(?:{'|'.join(sorted(names))})"


def _tags(names: Set[str]) -> re.Pattern[str]:
    one = _one_of(names)
    return re.compile(rf"<(?:{one}\b[^>]*|/\s*{one}\s*)>", re.IGNORECASE)


_BLOCK_TAG = _tags(_BLOCKS)
_FORMAT_TAG = _tags(_FORMATS)
_BREAK_OPENING = re.compile(rf"<\s*{_one_of(_BREAKS)}\b", re.IGNORECASE)
_BREAK_CLOSING = re.compile(rf"</\s*{_one_of(_BREAKS)}\s*>", re.IGNORECASE)
_OPENINGS = {
    name: re.compile(rf"<\s*{name}\b", re.IGNORECASE) for name in sorted({*_EMPTY, _NO_BREAK})
}


def remove_tags(text: str, names: Set[str]) -> str:
    """Remove comments and tags.

    Args:
        names: the names of all tags in the text, lower case, and `COMMENT`.
    """
    if names & _BREAKS:
        closings = (tag.span() for tag in _BREAK_CLOSING.finditer(text))
        text = _replace(text, [*_quoted(text, _BREAK_OPENING), *closings], " ")
    if names & _BLOCKS:
        text = _replace(text, _plain(text, _BLOCK_TAG), "\n")
    spans = _plain(text, _FORMAT_TAG) if names & _FORMATS else []
    if COMMENT in names:
        spans += _comments(text)
    for name, opening in _OPENINGS.items():
        if name in names:
            spans += _quoted(text, opening, empty=name in _EMPTY)
    return _replace(text, spans, "")


def _plain(text: str, tag: re.Pattern[str]) -> list[Span]:
    return [found.span() for found in tag.finditer(text, 0, text.rfind(">") + 1)]


def _quoted(text: str, opening: re.Pattern[str], *, empty: bool = False) -> list[Span]:
    """The spans of tags whose attributes can contain `>` in quotes.

    Args:
        empty: only of those that close themselves.
    """
    spans: list[Span] = []
    ends = TagEnds(text)
    position = 0
    while found := opening.search(text, position):
        position = found.end()
        end = ends.quoted(position)
        if end > 0 and (not empty or ends.closes_itself(end)):
            spans.append((found.start(), end))
            position = end
    return spans


def _comments(text: str) -> list[Span]:
    spans: list[Span] = []
    start = text.find("<!--")
    while start >= 0 and (end := text.find("-->", start + 4)) >= 0:
        spans.append((start, end + 3))
        start = text.find("<!--", end + 3)
    return spans


def _replace(text: str, spans: Iterable[Span], separator: str) -> str:
    """Replace each span by the separator, or by nothing if there is a space next to it.

    Of spans that overlap only the first is replaced.
    """
    kept: list[str] = []
    done = 0
    for start, end in sorted(spans):
        if start < done:
            continue
        kept.append(text[done:start])
        if separator and _touches(text, start, end):
            kept.append(separator)
        done = end
    return "".join([*kept, text[done:]]) if done else text


def _touches(text: str, start: int, end: int) -> bool:
    """Whether there is text directly before and after a tag."""
    if start == 0 or end == len(text):
        return False
    return not text[start - 1].isspace() and not text[end].isspace()
