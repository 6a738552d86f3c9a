"""Counts of manifests as tables with plain names: totals, a row for each unit or language."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from xlm.config.languages.pairs import XNLI_LANGUAGES
from xlm.display.markdown import ABSENT, format_size, table

Count = int | float | str
PartOf = Callable[[str], tuple[str | None, str]]
"""Splits a count's name into a split or language, if it has one, and the rest."""
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
    """Columns of counts, a row for each name, and the counts that are 0 in all rows."""

    header: tuple[str, ...]
    rows: dict[str, tuple[str, ...]]
    zero: tuple[str, ...]


def plain_name(name: str) -> str:
    """`lines_not_utf8` as `lines not UTF-8`."""
    return _NAMES.get(name) or name.replace("_bytes", " size").replace("_", " ").replace(".", " ")


def plain_value(name: str, value: Count | None) -> str:
    """A count as a reader wants it: sizes with their unit, digests shortened."""
    if value is None:
        return ABSENT
    if isinstance(value, str):
        return value[:_DIGEST_DIGITS]
    if name.endswith("bytes"):
        return format_size(int(value))
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def count_table(rows: Mapping[str, Counts]) -> CountTable:
    """One row for each name; a count that is 0 everywhere has no column."""
    names = list(dict.fromkeys(name for counts in rows.values() for name in counts))
    zero = [name for name in names if not any(counts.get(name) for counts in rows.values())]
    shown = [name for name in names if name not in zero]
    return CountTable(
        tuple(map(plain_name, shown)),
        {
            row: tuple(plain_value(name, counts.get(name)) for name in shown)
            for row, counts in rows.items()
        },
        tuple(map(plain_name, zero)),
    )


def over_splits(counts: Counts) -> Counts:
    """`train_lines` and `test_lines` added up as `lines`; other counts as they are."""
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
    """Sums over units as Markdown: a table by split, by language, or one of name and total."""
    added: dict[str, Count] = {}
    for counts in all_counts:
        for name, value in counts.items():
            before = added.get(name, 0)
            if isinstance(value, int) and isinstance(before, int):
                added[name] = before + value
            elif len(all_counts) == 1:
                added[name] = value
    splits = _pivot(added, _split_of)
    languages = _pivot(added, _language_of)
    parts = [
        _rows("split", {split: splits[split] for split in _SPLITS if split in splits}),
        _rows("language", languages),
    ]
    rest = {
        name: value
        for name, value in added.items()
        if _split_of(name)[0] is None and _language_of(name)[0] is None
    }
    if rest:
        # Of several units, the table of units names what is 0.
        shown = _vertical(rest, "total")[:1] if len(all_counts) > 1 else _vertical(rest, "value")
        parts = [*shown, *parts]
    return "\n\n".join(part for part in parts if part)


def _vertical(counts: Counts, heading: str) -> list[str]:
    """A row for each count, and a line that names those that are 0."""
    cells = [
        (plain_name(name), plain_value(name, found)) for name, found in counts.items() if found
    ]
    zero = [plain_name(name) for name, found in counts.items() if not found]
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


def _pivot(counts: Counts, part_of: PartOf) -> dict[str, dict[str, Count]]:
    rows: dict[str, dict[str, Count]] = {}
    for name, value in counts.items():
        part, rest = part_of(name)
        if part is not None:
            rows.setdefault(part, {})[rest] = value
    return rows


def _split_of(name: str) -> tuple[str | None, str]:
    split, line, rest = name.partition("_")
    return (split, rest) if line and split in _SPLITS else (None, name)


def _language_of(name: str) -> tuple[str | None, str]:
    rest, line, code = name.rpartition("_")
    return (code, rest) if line and code in XNLI_LANGUAGES else (None, name)
