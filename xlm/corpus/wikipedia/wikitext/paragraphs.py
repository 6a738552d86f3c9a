"""Chooses the lines of a page that are text: paragraphs, and headings that have a paragraph."""

import re

_EQUALS = re.compile("=+")
_DROPPED_STARTS = "*#;{|"
_OLD_HEADING = "++"
"""wikiextractor reads such a line as a heading, `++title++`; it stands alone."""
_MIN_LEVEL = 2
_ENDS_SENTENCE = ("!", "?")


def paragraphs(text: str) -> list[str]:
    """The paragraphs and their headings.

    Lists and table lines are removed. A heading is kept if a paragraph follows before the next
    heading of the same or a higher level. An indented line (`:`) is kept without its heading.
    """
    kept: list[str] = []
    headings: dict[int, str] = {}
    for line in text.split("\n"):
        if not line or (first := line[0]) in _DROPPED_STARTS:
            continue
        if first == "=" and (level := _level(line)):
            for deeper in [other for other in headings if other > level]:
                del headings[deeper]
            headings[level] = _sentence(line[level : line.index("=" * level, level)].strip())
        elif first == ":":
            kept.append(line.lstrip(":"))
        elif line.startswith(_OLD_HEADING):
            if title := line[2:-2]:
                kept.append(_sentence(title))
        elif not (line.endswith("}") or (not first.isalnum() and _is_dropped(line))):
            if headings:
                kept += [headings[level] for level in sorted(headings)]
                headings.clear()
            kept.append(line)
    return kept


def _level(line: str) -> int:
    """The level of the heading in a line that begins with `=`; 0 if it is none.

    It is the largest number of `=` that stands both at the beginning and again after it.
    """
    count = len(line) - len(line.lstrip("="))
    later = max((len(run) for run in _EQUALS.findall(line, count)), default=0)
    level = max(min(count, later), count // 2)
    return level if level >= _MIN_LEVEL else 0


def _sentence(title: str) -> str:
    return title if not title or title.endswith(_ENDS_SENTENCE) else f"{title}."


def _is_dropped(line: str) -> bool:
    return (line.startswith("(") and line.endswith(")")) or line.isspace() or not line.strip(".-")
