"""Bold and italic: bold marks vanish, italic marks become quotation marks.

Both are pairs of apostrophes within a line: `'''''` opens and closes both, `'''` bold, `''` italic.
"""

import re

from xlm.corpus.wikipedia.markup.marks import has_mark

_BOTH, _BOLD, _ITALIC = "'''''", "'''", "''"
_QUOTE = '"'
_ITALIC_QUOTED = re.compile(r"""''"([^"]*)"''""")
_DOUBLED = re.compile(r'""([^"]*)""')


def replace_quotes(text: str) -> str:
    """Replace the marks; marks without a partner are treated like closed ones."""
    has_marks = has_mark(text, _ITALIC)
    if has_marks:
        if _BOLD in text:
            text = _pairs(_pairs(text, _BOTH, ""), _BOLD, "")
        text = _pairs(_ITALIC_QUOTED.sub(r'"\1"', text), _ITALIC, _QUOTE)
    if has_mark(text, _QUOTE * 2):
        # Two marks for one, as in `""word""`: an italic word in quotes.
        text = _DOUBLED.sub(r'"\1"', text)
    return text.replace(_BOLD, "").replace(_ITALIC, _QUOTE) if has_marks else text


def _pairs(text: str, mark: str, replacement: str) -> str:
    """Replace the marks pair by pair; one without a partner in its line stays."""
    parts = text.split(mark)
    kept = [parts[0]]
    number = 1
    while number < len(parts):
        inside = parts[number]
        if number + 1 < len(parts) and "\n" not in inside:
            kept += (replacement, inside, replacement, parts[number + 1])
            number += 2
        else:
            kept += (mark, inside)
            number += 1
    return "".join(kept)
