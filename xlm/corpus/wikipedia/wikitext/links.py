"""Replaces internal links by their labels: `[[target|label]]`.

Links to other namespaces and wikis vanish with their labels, and so do files with their captions.
"""

import re

_NAMESPACES = frozenset(("", "w", "wiktionary", "wikt"))
_RUN = re.compile(r"\[\[+|\]\]+")
_LONG_RUN = "[[["


def replace_links(text: str) -> str:
    """Replace each outermost link by its label; links inside a label stay as they are."""
    if _LONG_RUN in text:
        text = shorten_runs(text)
    first, *parts = text.split("[[")
    if not parts:
        return text
    kept = [first]
    number = 0
    while number < len(parts):
        link, end, after = parts[number].partition("]]")
        if end:
            kept += (_label(link), after)
            number += 1
        else:
            next_number = _after_nested(parts, number)
            kept.append(_without_nested("[[".join(["", *parts[number:next_number]])))
            number = next_number
    return "".join(kept)


def _after_nested(parts: list[str], number: int) -> int:
    """The number of the first part after the link that begins with part `number`."""
    depth = 1
    while depth > 0 and (number := number + 1) < len(parts):
        depth += 1 - parts[number].count("]]")
    return number + (depth <= 0)


def _without_nested(text: str) -> str:
    """Replace the links of a text in which they contain others, or have no end."""
    kept: list[str] = []
    done = 0
    for start, end in _outermost(text):
        kept += (text[done:start], _label(text[start + 2 : end - 2]))
        done = end
    return "".join([*kept, text[done:]])


def shorten_runs(text: str) -> str:
    """Write `[[` for longer runs of brackets, and `]]` for the run that closes one.

    A run that is closed by fewer brackets than it has stays, except at the end of the text.
    """
    stack: list[list[int]] = []
    changes: list[tuple[int, int]] = []
    for run in _RUN.finditer(text):
        position, count = run.span()
        count -= position
        if run[0][0] == "[":
            stack.append([position, count, count])
            continue
        while stack and count >= 2:
            opening, size, left = stack[-1]
            ends_text = count == 2 and run.end() == len(text) and size == left
            if count < left and not ends_text:
                stack[-1][2] = left - count
                break
            stack.pop()
            if size == left > 2:
                while changes and changes[-1][0] > opening:
                    changes.pop()
                changes += ((opening, size), (position, min(size, count)))
            position += left
            count -= left
    changes += [(opening, size) for opening, size, left in stack if size == left > 2]
    changes.sort()
    kept: list[str] = []
    done = 0
    for position, size in changes:
        kept.append(text[done : position + 2])
        done = position + size
    return "".join([*kept, text[done:]])


def _outermost(text: str) -> list[tuple[int, int]]:
    """The outermost pairs of `[[` and `]]`; an opening without an end is text."""
    pairs: list[tuple[int, int]] = []
    stack: list[int] = []
    first, *parts = text.split("[[")
    position = len(first)
    for part in parts:
        stack.append(position)
        position += 2
        closing = part.find("]]")
        while closing >= 0 and stack:
            start = stack.pop()
            while pairs and pairs[-1][0] > start:
                pairs.pop()
            pairs.append((start, position + closing + 2))
            closing = part.find("]]", closing + 2)
        position += len(part)
    return pairs


def _label(link: str) -> str:
    target, bar, label = link.partition("|")
    colon = target.find(":", 1)
    if colon > 0 and target[:colon].lstrip(":") not in _NAMESPACES:
        return ""
    if not bar:
        return target
    if "|" in label and "[[" in label:
        label = _caption(link, len(target) + 1)
    return label.strip()


def _caption(link: str, start: int) -> str:
    """The last of several labels, where links inside it show that it is a caption."""
    done = start
    for opening, end in _outermost(link):
        start = link.rfind("|", done, opening) + 1 or start
        done = end
    return link[start:]
