"""Marks what a card says of one run's clock and machine, so that two cards can be compared.

measured("12 min")                     # '<!--measured-->12 min<!--/measured-->'
without_measured(first) == without_measured(second)
"""

import re

_BEGIN, _END = "<!--measured-->", "<!--/measured-->"
_MARKED = re.compile(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)


def measured(text: str) -> str:
    """The text between marks that Markdown does not show."""
    return f"{_BEGIN}{text}{_END}"


def without_measured(card: str) -> str:
    """A card with every measured value taken out: equal for equal models."""
    return _MARKED.sub(_BEGIN + _END, card)
