"""Removes comments and tags; the text between the tags stays.

The tags of `<b>` and other formats vanish, `<br>` becomes a space and `<p>` a line end if text
touches it on both sides.
"""

import re
from collections.abc import Set

from xlm.corpus.wikipedia.wikitext.tag_ends import TagEnds

_BREAKS = frozenset(("br", "hr"))
_BLOCKS = frozenset(("center", "h1", "h2", "h3", "h4", "p"))
_FORMATS = (
    "a", "abbr", "b", "bdi", "big", "blockquote", "cite", "div", "em", "font", "hiero", "i", "kbd",
    "nowiki", "plaintext", "poem", "s", "section", "span", "strike", "strong", "sub", "sup", "tt",
    "u", "var",
)  # fmt: skip
_EMPTY = frozenset(("nowiki", "ref", "references", "templatestyles"))
"""Removed where they close themselves: `<ref name="a" />`."""


def _one_of(names: Set[str] | tuple[str, ...]) -> str:
    return f"(?:{'|'.join(sorted(names))})"


_BREAK = re.compile(
    rf"<(?:(?P<quoted>\s*{_one_of(_BREAKS)}\b)|/\s*{_one_of(_BREAKS)}\s*>)", re.IGNORECASE
)
_BLOCK = re.compile(
    rf"<(?:(?P<plain>{_one_of(_BLOCKS)}\b)|/\s*{_one_of(_BLOCKS)}\s*>)", re.IGNORECASE
)
_TAG = re.compile(
    rf"<(?:(?P<comment>!--)|(?P<plain>{_one_of(_FORMATS)}\b)|/\s*{_one_of(_FORMATS)}\s*>"
    rf"|(?P<empty>\s*{_one_of(_EMPTY)}\b)|(?P<quoted>\s*nobr\b))",
    re.IGNORECASE,
)


def remove_tags(text: str, names: Set[str]) -> str:
    """Remove comments and tags.

    Args:
        names: the names of all tags in the text, lower case; `!--` for comments.
    """
    if names & _BREAKS:
        text = _replace(text, _BREAK, " ")
    if names & _BLOCKS:
        text = _replace(text, _BLOCK, "\n")
    return _replace(text, _TAG, "")


def _replace(text: str, tag: re.Pattern[str], separator: str) -> str:
    """Replace each tag by the separator, or by nothing if there is a space next to it."""
    kept: list[str] = []
    done = position = 0
    ends = TagEnds(text)
    while found := tag.search(text, position):
        start, position = found.span()
        end = _end(found, ends)
        if end < 0:
            continue
        kept.append(text[done:start])
        if separator and _touches(text, start, end):
            kept.append(separator)
        done = position = end
    return "".join([*kept, text[done:]]) if done else text


def _touches(text: str, start: int, end: int) -> bool:
    """Whether there is text directly before and after a tag."""
    if start == 0 or end == len(text):
        return False
    return not text[start - 1].isspace() and not text[end].isspace()


def _end(found: re.Match[str], ends: TagEnds) -> int:
    position = found.end()
    match found.lastgroup:
        case "comment":
            return ends.comment(position)
        case "plain":
            return ends.plain(position)
        case "quoted":
            return ends.quoted(position)
        case "empty":
            end = ends.quoted(position)
            return end if ends.is_empty(position, end) else -1
        case _:
            return position
