"""Marks the measured values on a card (time, memory, machine), so that cards can be compared.

measured("12 min")                     # '<!--measured-->12 min<!--/measured-->'
without_measured(first) == without_measured(second)
"""

import re

_BEGIN, _END = "<!--measured-->", "<!--/measured-->"
_MARKED = re.compile(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)


def measured(text: str) -> str:
    """Wrap a text in comments that Markdown does not render."""
    return f"{_BEGIN}{text}{_END}"


def without_measured(card: str) -> str:
    """Remove every measured value from a card: the cards of equal models become equal."""
    return _MARKED.sub(_BEGIN + _END, card)
