"""Renders the counts of manifests as tables with readable names: totals, units, languages."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from xlm.config.languages.pairs import XNLI_LANGUAGES
from xlm.display.markdown import ABSENT, format_size, table

Count = int | float | str
SplitName = Callable[[str], tuple[str | None, str]]
"""Splits the name of a count into its split or language (or None) and the rest."""
Counts = Mapping[str, Count]

_SPLITS = ("train", "valid", "dev", "test")
_NAMES = {
    "bytes": "downloaded",
    "host_bytes": "size at the source",
    "lines_not_utf8": "lines not UTF-8",
    "lines_with_nul": "lines with NUL",
    "texts_with_cr_line_ends": "texts with CR line ends",
    "over_max_pairs": "over the limit",
    "over_cap": "over the limit",
    "whole": "whole files",
    "hash": "digest",
}
_DIGEST_DIGITS = 12


class CountTable(NamedTuple):
    """A table of counts, and the names of the counts that are 0 in all rows."""

    header: tuple[str, ...]
    rows: dict[str, tuple[str, ...]]
    zero: tuple[str, ...]


def readable_name(name: str) -> str:
    """Return the readable name of a count: `lines_not_utf8` becomes `lines not UTF-8`."""
    return _NAMES.get(name) or name.replace("_bytes", " size").replace("_", " ").replace(".", " ")


def format_count(name: str, value: Count | None) -> str:
    """Format a count: sizes with a unit, digests shortened."""
    if value is None:
        return ABSENT
    if isinstance(value, str):
        return value[:_DIGEST_DIGITS]
    if name.endswith("bytes"):
        return format_size(int(value))
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def count_table(rows: Mapping[str, Counts]) -> CountTable:
    """Return a table with one row for each name; counts that are always 0 have no column."""
    names = list(dict.fromkeys(name for counts in rows.values() for name in counts))
    zero = [name for name in names if not any(counts.get(name) for counts in rows.values())]
    shown = [name for name in names if name not in zero]
    return CountTable(
        tuple(map(readable_name, shown)),
        {
            row: tuple(format_count(name, counts.get(name)) for name in shown)
            for row, counts in rows.items()
        },
        tuple(map(readable_name, zero)),
    )


def sum_splits(counts: Counts) -> Counts:
    """Add up the splits of a count: `train_lines` and `test_lines` become `lines`."""
    added: dict[str, Count] = {}
    for name, value in counts.items():
        split, rest = _split_of(name)
        if split is None or not isinstance(value, int):
            added[name] = value
        else:
            before = added.get(rest, 0)
            added[rest] = value + (before if isinstance(before, int) else 0)
    return added


def totals(all_counts: Sequence[Counts]) -> str:
    """Render the sums over units: tables by split and by language, and the other totals."""
    sums = _sums(all_counts)
    splits = _pivot(sums, _split_of)
    parts = [
        _rows("split", {split: splits[split] for split in _SPLITS if split in splits}),
        _rows("language", _pivot(sums, _language_of)),
    ]
    rest = {
        name: value
        for name, value in sums.items()
        if _split_of(name)[0] is None and _language_of(name)[0] is None
    }
    if rest:
        # With several units, the table of units already lists the counts that are 0.
        shown = _vertical(rest, "total")[:1] if len(all_counts) > 1 else _vertical(rest, "value")
        parts = [*shown, *parts]
    return "\n\n".join(part for part in parts if part)


def _sums(all_counts: Sequence[Counts]) -> dict[str, Count]:
    """Add up integer counts; other values are kept only if there is a single unit."""
    sums: dict[str, Count] = {}
    for counts in all_counts:
        for name, value in counts.items():
            before = sums.get(name, 0)
            if isinstance(value, int) and isinstance(before, int):
                sums[name] = before + value
            elif len(all_counts) == 1:
                sums[name] = value
    return sums


def _vertical(counts: Counts, heading: str) -> list[str]:
    """Render a row for each count, and a line with the counts that are 0."""
    cells = [
        (readable_name(name), format_count(name, found)) for name, found in counts.items() if found
    ]
    zero = [readable_name(name) for name, found in counts.items() if not found]
    return [
        table(("count", heading), cells) if cells else "",
        f"Zero: {', '.join(zero)}." if zero else "",
    ]


def _rows(first: str, rows: Mapping[str, Counts]) -> str:
    if not rows:
        return ""
    found = count_table(rows)
    if not found.header:
        return ""
    return table((first, *found.header), [(row, *cells) for row, cells in found.rows.items()])


def _pivot(counts: Counts, split_name: SplitName) -> dict[str, dict[str, Count]]:
    rows: dict[str, dict[str, Count]] = {}
    for name, value in counts.items():
        part, rest = split_name(name)
        if part is not None:
            rows.setdefault(part, {})[rest] = value
    return rows


def _split_of(name: str) -> tuple[str | None, str]:
    split, separator, rest = name.partition("_")
    return (split, rest) if separator and split in _SPLITS else (None, name)


def _language_of(name: str) -> tuple[str | None, str]:
    rest, separator, code = name.rpartition("_")
    return (code, rest) if separator and code in XNLI_LANGUAGES else (None, name)
