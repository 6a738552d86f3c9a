"""Markdown tables and numbers as a reader wants them."""

from collections.abc import Iterable, Sequence

ABSENT = "–"
"""What a table shows where nothing was measured."""

_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB")


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1) -> str:
    """A Markdown table; all columns but the first `left` are aligned to the right."""
    rule = ["---" if column < left else "---:" for column in range(len(header))]
    lines = [header, rule, *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def stack_words(header: Sequence[str]) -> list[str]:
    """A header with one word a line, for readers that never break one and cut wide tables."""
    return [name.replace(" ", "<br>") for name in header]


def format_percent(share: float | None) -> str:
    """A share as per cent with one decimal, an empty cell as a dash."""
    return ABSENT if share is None else f"{100 * share:.1f}"


def format_decimal(value: float | None, digits: int = 2) -> str:
    """A number, an empty cell as a dash."""
    return ABSENT if value is None else f"{value:,.{digits}f}"


def format_integer(number: int | None) -> str:
    """A whole number with separators, an empty cell as a dash."""
    return ABSENT if number is None else f"{number:,}"


def format_size(number_bytes: int | None) -> str:
    """A size in decimal units, an empty cell as a dash."""
    if number_bytes is None:
        return ABSENT
    value, unit = float(number_bytes), _BYTE_UNITS[0]
    for unit in _BYTE_UNITS:
        if value < 1000 or unit == _BYTE_UNITS[-1]:
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def format_duration(seconds: float | None) -> str:
    """A span of time: `< 0.1 s`, `0.4 s`, `3 min 20 s`, `2 h 05 min`; an empty cell as a dash."""
    if seconds is None:
        return ABSENT
    if seconds < 0.05:
        return "< 0.1 s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of what was measured, None if nothing was."""
    found = [value for value in values if value is not None]
    return sum(found) / len(found) if found else None


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
