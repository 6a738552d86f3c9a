"""Marks the measured values on a card (time, memory, machine), so that cards can be compared.

measured("12 min")                     # '<!--measured-->12 min<!--/measured-->'
f"emissions: 1.2{MEASURED_LINE}"       # 'emissions: 1.2  # measured', in the front matter
without_measured(first) == without_measured(second)
"""

import re

MEASURED_LINE = "  # measured"
"""The end of a line of YAML with a measured value."""

_BEGIN, _END = "<!--measured-->", "<!--/measured-->"
_MARKED = re.compile(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)
_MARKED_LINE = re.compile(rf"^(\s*\w+:).*{re.escape(MEASURED_LINE)}$", re.MULTILINE)


def measured(text: str) -> str:
    """Wrap a text in comments that Markdown does not render."""
    return f"{_BEGIN}{text}{_END}"


def without_measured(card: str) -> str:
    """Remove every measured value from a card: the cards of equal models become equal."""
    return _MARKED_LINE.sub(r"\1", _MARKED.sub(_BEGIN + _END, card))
