"""Bold and italic: bold marks vanish, italic marks become quotation marks.

Both are pairs of apostrophes within a line: `'''''` opens and closes both, `'''` bold, `''` italic.
"""

import re

_BOTH, _BOLD, _ITALIC = "'''''", "'''", "''"
_QUOTE, _TWICE = '"', '""'
_QUOTED_TWICE = re.compile(r'""([^"]*)""')


def replace_quotes(text: str) -> str:
    """Replace the marks in each line; marks without a partner are treated like closed ones."""
    has_marks = _ITALIC in text
    if has_marks:
        text = "\n".join(_line(line) if _ITALIC in line else line for line in text.split("\n"))
    if _TWICE in text:
        text = _QUOTED_TWICE.sub(r'"\1"', text)
    return text.replace(_BOLD, "").replace(_ITALIC, _QUOTE) if has_marks else text


def _line(line: str) -> str:
    if _BOLD in line:
        if _BOTH in line:
            line = _pairs(line, _BOTH, "")
        line = _pairs(line, _BOLD, "")
    return _pairs(line, _ITALIC, _QUOTE)


def _pairs(line: str, mark: str, replacement: str) -> str:
    """Replace the marks pair by pair; a last one without a partner stays."""
    parts = line.split(mark)
    if len(parts) < 3:
        return line
    last = mark + parts.pop() if len(parts) % 2 == 0 else ""
    return replacement.join(parts) + last
