"""Markdown tables, and numbers formatted for readers."""

from collections.abc import Iterable, Sequence

ABSENT = "–"
"""Shown for a missing value."""

_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB")


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1) -> str:
    """Render a Markdown table; the first `left` columns are aligned left, the others right."""
    rule = ["---" if column < left else "---:" for column in range(len(header))]
    lines = [header, rule, *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def stack_words(header: Sequence[str]) -> list[str]:
    """Put each word of a header on its own line, for viewers that truncate wide tables."""
    return [name.replace(" ", "<br>") for name in header]


def format_percent(share: float | None) -> str:
    """Format a share as per cent with one decimal."""
    return ABSENT if share is None else f"{100 * share:.1f}"


def format_decimal(value: float | None, digits: int = 2) -> str:
    """Format a number with separators and a fixed number of decimals."""
    return ABSENT if value is None else f"{value:,.{digits}f}"


def format_integer(number: int | None) -> str:
    """Format an integer with separators."""
    return ABSENT if number is None else f"{number:,}"


def format_size(number_bytes: int | None) -> str:
    """Format a size in decimal units: `142.9 kB`."""
    if number_bytes is None:
        return ABSENT
    value, unit = float(number_bytes), _BYTE_UNITS[0]
    for unit in _BYTE_UNITS:
        if value < 1000 or unit == _BYTE_UNITS[-1]:
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def format_duration(seconds: float | None) -> str:
    """Format a duration: `< 0.1 s`, `0.4 s`, `3 min 20 s`, `2 h 05 min`."""
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
    """Return the mean of the values that are not None, or None."""
    found = [value for value in values if value is not None]
    return sum(found) / len(found) if found else None


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
