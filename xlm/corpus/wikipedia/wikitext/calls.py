"""Finds calls, `{{name|argument}}`, and splits their arguments.

Marks pair up by runs: `{{{{{a}}}b}}` is a template with a parameter in its name.
"""

import re
from collections.abc import Iterator

_PLAIN_CALL = re.compile(r"\{\{[^{}]*+\}\}(?!\})")
"""Most calls are such: there are no braces inside."""
_RUN_OR_PLAIN_CALL = re.compile(rf"{_PLAIN_CALL.pattern}|\{{\{{+|\}}\}}+")
_MARKS = re.compile(r"\{\{+|\}\}+|\[\[+|\]\]+")
_CLOSING = {"{": "}", "[": "]"}
_LONGEST = 3
"""`{{{name|default}}}` is a parameter of a template."""


def outermost_calls(text: str) -> Iterator[tuple[int, int, int]]:
    """Start, end and number of braces (2 or 3) of each outermost call.

    After an opening that is never closed nothing is a call.
    """
    start = text.find("{{")
    while start >= 0:
        if call := _PLAIN_CALL.match(text, start):
            position = call.end()
            yield start, position, 2
        elif nested := _nested_call(text, start):
            span, position = nested
            yield span
        else:
            return
        start = text.find("{{", position)


def _nested_call(text: str, start: int) -> tuple[tuple[int, int, int], int] | None:
    """The call that opens at `start`, and the position after all braces that close it."""
    stack: list[int] = []
    for run in _RUN_OR_PLAIN_CALL.finditer(text, start):
        position, end = run.span()
        count = end - position
        if text[position] == "{":
            if text[end - 1] == "{":
                stack.append(count)
            continue
        while count >= 2 and stack:
            size = stack[-1]
            if len(stack) == 1:
                taken = min(count, size, _LONGEST)
                return (start + size - taken, end - count + taken, taken), end
            if count < size:
                stack[-1] = size - count
                break
            stack.pop()
            count -= size
    return None


def arguments(call: str) -> list[str]:
    """The parts of a call between `|`; links and calls inside are not split."""
    if "|" not in call:
        return [call]
    parts: list[str] = []
    start = 0
    spans = _protected(call)
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


def _protected(call: str) -> Iterator[tuple[int, int]]:
    """The spans of calls and links, in order; the last is an empty one at the end.

    As with calls alone, nothing is protected after an opening that is never closed; but the end of
    a call ends the links that are open inside.
    """
    stack: list[tuple[str, int]] = []
    first = 0
    for run in _MARKS.finditer(call):
        position, end = run.span()
        count = end - position
        mark = call[position]
        if mark in _CLOSING:
            if not stack:
                first = position
            stack.append((_CLOSING[mark], count))
            continue
        if mark == "}" and any(kind == "}" for kind, _ in stack):
            while stack[-1][0] != "}":
                stack.pop()
        while count >= 2 and stack and stack[-1][0] == mark:
            size = stack[-1][1]
            if count < size:
                if len(stack) == 1 and mark == "}":
                    yield first + size - count, end
                    stack.clear()
                else:
                    stack[-1] = (mark, size - count)
                break
            stack.pop()
            count -= size
            if not stack:
                yield first, end - count
    yield len(call), len(call)
