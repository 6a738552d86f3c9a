"""Chooses the lines of a page that are text: paragraphs, and headings that have a paragraph."""

import re

_HEADING = re.compile(r"(==+)\s*(.*?)\s*\1")
_DROPPED_STARTS = ("*", "#", ";", "{", "|")
_OLD_HEADING = "++"
"""wikiextractor reads such a line as a heading, `++title++`; it stands alone."""
_ENDS_SENTENCE = ("!", "?")


def paragraphs(text: str) -> list[str]:
    """The paragraphs and their headings.

    Lists and table lines are removed. A heading is kept if a paragraph follows before the next
    heading of the same or a higher level. An indented line (`:`) is kept without its heading.
    """
    kept: list[str] = []
    headings: dict[int, str] = {}
    for line in text.split("\n"):
        if not line:
            continue
        first = line[0]
        if first == "=" and (heading := _HEADING.match(line)):
            level = len(heading[1])
            for deeper in [other for other in headings if other > level]:
                del headings[deeper]
            headings[level] = _sentence(heading[2])
        elif first == ":":
            kept.append(line.lstrip(":"))
        elif line.startswith(_OLD_HEADING):
            if title := line[2:-2]:
                kept.append(_sentence(title))
        elif not _is_dropped(line):
            if headings:
                kept += [headings[level] for level in sorted(headings)]
                headings.clear()
            kept.append(line)
    return kept


def _sentence(title: str) -> str:
    return title if not title or title.endswith(_ENDS_SENTENCE) else f"{title}."


def _is_dropped(line: str) -> bool:
    return (
        line.startswith(_DROPPED_STARTS)
        or line.endswith("}")
        or (line.startswith("(") and line.endswith(")"))
        or line.isspace()
        or not line.strip(".-")
    )
