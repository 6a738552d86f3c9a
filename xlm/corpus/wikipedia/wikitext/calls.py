"""Finds calls, `{{name|argument}}`, and splits their arguments.

Marks pair up by runs: `{{{{{a}}}b}}` is a template with a parameter in its name.
"""

import re
from collections.abc import Iterator

_RUN = re.compile(r"\{\{+|\}\}+")
_LINK_EDGE = re.compile(r"\[\[+|\]\]+")
_LONGEST = 3
"""`{{{name|default}}}` is a parameter of a template."""


def outermost_calls(text: str) -> Iterator[tuple[int, int, int]]:
    """Start, end and number of braces (2 or 3) of each outermost call.

    After an opening that is never closed nothing is a call.
    """
    stack: list[int] = []
    first = 0
    for run in _RUN.finditer(text):
        position, end = run.span()
        count = end - position
        if text[position] == "{":
            if not stack:
                first = position
            stack.append(count)
            continue
        while count >= 2 and stack:
            size = stack[-1]
            if len(stack) == 1:
                taken = min(count, size, _LONGEST)
                yield first + size - taken, end - count + taken, taken
                stack.clear()
                break
            if count < size:
                stack[-1] = size - count
                break
            stack.pop()
            count -= size


def arguments(call: str) -> list[str]:
    """The parts of a call between `|`; links and calls inside are not split."""
    if "|" not in call:
        return [call]
    parts: list[str] = []
    start = 0
    protected = _protected(call) if "{{" in call or "[[" in call else []
    spans = iter([*protected, (len(call), len(call))])
    low, high = next(spans)
    bar = call.find("|")
    while bar >= 0:
        while high <= bar:
            low, high = next(spans)
        if bar < low:
            parts.append(call[start:bar])
            start = bar + 1
            bar = call.find("|", start)
        else:
            bar = call.find("|", high)
    return [*parts, call[start:]]


def _protected(call: str) -> list[tuple[int, int]]:
    """The spans of calls and links, in order and without overlaps."""
    spans = [(start, end) for start, end, _ in outermost_calls(call)] if "{{" in call else []
    masked = call
    if spans:
        parts: list[str] = []
        done = 0
        for start, end in spans:
            parts += (call[done:start], " " * (end - start))
            done = end
        masked = "".join([*parts, call[done:]])
    if "[[" not in masked:
        return spans
    links = _links(masked)
    outside = [span for span in spans if not any(start < span[0] < end for start, end in links)]
    return sorted(outside + links)


def _links(text: str) -> list[tuple[int, int]]:
    """The outermost pairs of runs of brackets of equal size."""
    pairs: list[tuple[int, int]] = []
    stack: list[tuple[int, int]] = []
    for run in _LINK_EDGE.finditer(text):
        start, end = run.span()
        count = end - start
        if text[start] == "[":
            stack.append((start, count))
            continue
        while stack and count >= stack[-1][1]:
            opening, size = stack.pop()
            count -= size
            while pairs and pairs[-1][0] > opening:
                pairs.pop()
            pairs.append((opening, end - count))
    return pairs
