"""The tables of `xlm compare` for runs with several seeds, settings or other cells."""

from collections.abc import Sequence

from xlm.classification.results.sweep_tables import rules_name, setting_name
from xlm.classification.results.table import without_empty_columns
from xlm.cli.output import show, terminal_width
from xlm.display.markdown import ABSENT, format_percent
from xlm.display.text_table import text_table
from xlm.report.comparison.results import CONFIDENCE
from xlm.report.comparison.sweeps import ComparedSweep, SeedDifference


def print_sweeps(labels: Sequence[str], rows: Sequence[ComparedSweep]) -> None:
    """Print a table for each setting and the rules of selection that agree."""
    for group in dict.fromkeys((row.setting, row.rules) for row in rows):
        members = [row for row in rows if (row.setting, row.rules) == group]
        setting, rules = group
        training = members[0].training
        named = setting_name(setting, training) if training else setting
        over_seeds = any(len(one) > 1 for row in members for one in row.by_seed)
        intervals = f"; differences with {100 * CONFIDENCE:g} % intervals" if over_seeds else ""
        title = (
            f"Test accuracy{' over seeds' if over_seeds else ''}, {named}, best "
            f"{rules_name(rules, training)}, per cent{intervals}"
        )
        header = ["language", _titled(labels[0], members, 0)]
        for number, label in enumerate(labels[1:], start=1):
            header += [_titled(label, members, number), "difference", "interval", "method"]
        cells = []
        for row in members:
            line = [row.language, format_percent(row.values[0])]
            for value, difference in zip(row.values[1:], row.differences[1:], strict=True):
                line += [format_percent(value), *_cells(difference)]
            cells.append(line)
        table = without_empty_columns(title, header, cells)
        show(f"\n{table.title}")
        show(text_table(table.header, table.rows, width=terminal_width()))


def _titled(label: str, rows: Sequence[ComparedSweep], run: int) -> str:
    seeds = max(len(row.by_seed[run]) for row in rows)
    return f"{label} ({seeds} seed{'s' if seeds != 1 else ''})"


def _cells(difference: SeedDifference | None) -> list[str]:
    if difference is None:
        return [ABSENT, ABSENT, ABSENT]
    value = f"{100 * difference.value:+.1f}"
    if difference.low is None or difference.high is None:
        return [value, ABSENT, ABSENT]
    interval = f"{100 * difference.low:+.1f} to {100 * difference.high:+.1f}"
    return [value, interval, difference.method or ABSENT]
