"""`xlm compare`: settings and results of runs, and their curves in one figure."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from xlm.cli.output import printable, shortened, show, terminal_width
from xlm.cli.runs.comparing_sweeps import print_sweeps
from xlm.config.environment import MachineSettings
from xlm.display.markdown import ABSENT, format_decimal, format_percent
from xlm.display.text_table import text_table
from xlm.errors import ConfigError, StoreError
from xlm.report.comparison.figure import COLOURS, draw_curves
from xlm.report.comparison.members import Member, find_member
from xlm.report.comparison.paired import Difference
from xlm.report.comparison.results import CONFIDENCE, ComparedResult, compare_results
from xlm.report.comparison.settings import SettingRow, differing_settings, shown_values
from xlm.report.comparison.sweeps import ComparedSweep, compare_sweeps
from xlm.store.store import ArtifactStore
from xlm.training.records.curves import curves_of

_NO_SHARE = "perplexity"
_LONGEST_SETTING = 60
"""Characters of a value in the table of settings; `--json` has all."""


def print_comparison(
    names: Sequence[str], figure: Path | None, root: str | None, as_json: bool
) -> None:
    """Compare runs with the first one and print tables, or JSON.

    Raises:
        ConfigError: fewer than two runs are named, or the figure cannot be written.
        StoreError: there is no such run, or none of them was trained.
    """
    if len(names) < 2:
        raise ConfigError("one run cannot be compared", fix="name two or more; see `xlm runs`")
    store = ArtifactStore.open(MachineSettings.from_environment(root).root, write=False)
    members = _with_labels([find_member(store, name) for name in names])
    settings = differing_settings([member.config for member in members])
    results, remarks = compare_results(members)
    sweeps, shared = compare_sweeps(members)
    remarks += shared
    if figure is not None:
        _draw(figure, members)
    if as_json:
        _print_json(members, settings, results, sweeps, remarks)
        return
    labels = [printable(member.label) for member in members]
    _print_settings(labels, settings)
    for measure in dict.fromkeys(row.measure for row in results):
        rows = [row for row in results if row.measure == measure]
        show(f"\n{_title(measure, rows)}")
        header, cells = _result_cells(labels, rows)
        show(text_table(header, cells, width=terminal_width()))
    print_sweeps(labels, sweeps)
    for remark in remarks:
        show(f"\n{printable(remark)}")


def _with_labels(members: Sequence[Member]) -> list[Member]:
    """The runs with different labels: equal ones get a number."""
    labels: dict[str, int] = {}
    found = []
    for member in members:
        labels[member.label] = count = labels.get(member.label, 0) + 1
        label = member.label if count == 1 else f"{member.label} ({count})"
        found.append(replace(member, label=label))
    return found


def _print_settings(labels: Sequence[str], settings: Sequence[SettingRow]) -> None:
    if not settings:
        show("The settings are the same.")
        return
    show("Settings that differ")
    rows = [
        (row.name, *(shortened(value, _LONGEST_SETTING) for value in shown_values(row.values)))
        for row in settings
    ]
    show(
        text_table(("setting", *labels), rows, width=terminal_width(), left=range(len(labels) + 1))
    )


def _title(measure: str, rows: Sequence[ComparedResult]) -> str:
    has_interval = any(one for row in rows for one in row.differences)
    unit = "" if measure == _NO_SHARE else ", per cent"
    note = f"; differences with {100 * CONFIDENCE:g} % intervals" if has_interval else ""
    return f"{measure[0].upper()}{measure[1:]}{unit}{note}"


def _result_cells(
    labels: Sequence[str], rows: Sequence[ComparedResult]
) -> tuple[list[str], list[list[str]]]:
    """Header and cells: the value of each run, and after each but the first its difference."""
    has_interval = any(one for row in rows for one in row.differences)
    has_p_value = any(one.p_value is not None for row in rows for one in row.differences if one)
    header = ["language", labels[0]]
    for label in labels[1:]:
        header += [label, "difference"]
        header += ["interval"] * has_interval + ["p (McNemar)"] * has_p_value
    cells = []
    for row in rows:
        line = [row.language, _value(row, row.values[0])]
        for value, difference in zip(row.values[1:], row.differences[1:], strict=True):
            line += [_value(row, value), _change(row, value)]
            line += [_interval(difference)] * has_interval
            line += [_p_value(difference)] * has_p_value
        cells.append(line)
    return header, cells


def _value(row: ComparedResult, value: float | None) -> str:
    return format_decimal(value) if row.measure == _NO_SHARE else format_percent(value)


def _change(row: ComparedResult, value: float | None) -> str:
    first = row.values[0]
    if value is None or first is None:
        return ABSENT
    if row.measure == _NO_SHARE:
        return f"{value - first:+,.2f}"
    return f"{100 * (value - first):+.1f}"


def _interval(difference: Difference | None) -> str:
    if difference is None:
        return ABSENT
    return f"{100 * difference.low:+.1f} to {100 * difference.high:+.1f}"


def _p_value(difference: Difference | None) -> str:
    if difference is None or difference.p_value is None:
        return ABSENT
    return "< 0.001" if difference.p_value < 0.001 else f"{difference.p_value:.3f}"


def _draw(figure: Path, members: Sequence[Member]) -> None:
    if figure.suffix.lower() != ".png":
        raise ConfigError(f"invalid --figure {str(figure)!r}", fix="name a .png file")
    if not figure.absolute().parent.is_dir():
        raise ConfigError(
            f"--figure {str(figure)!r}: its folder does not exist", fix="create it, or use another"
        )
    if figure.is_dir():
        raise ConfigError(f"--figure {str(figure)!r} is a folder", fix="name a .png file")
    trained = {
        member.label: curves_of(directory)
        for member in members
        if (directory := member.directory("pretrain")) is not None
    }
    if not trained:
        raise StoreError("no run has a pretrained model", fix="leave --figure out")
    if len(trained) > len(COLOURS):
        raise ConfigError(
            f"{len(trained)} runs do not fit one figure", fix=f"name at most {len(COLOURS)}"
        )
    draw_curves(figure, trained)


def _print_json(
    members: Sequence[Member],
    settings: Sequence[SettingRow],
    results: Sequence[ComparedResult],
    sweeps: Sequence[ComparedSweep],
    remarks: Sequence[str],
) -> None:
    found = {
        "runs": [member.label for member in members],
        "settings": {row.name: row.values for row in settings},
        "results": [row.model_dump(mode="json") for row in results],
        "sweeps": [row.model_dump(mode="json") for row in sweeps],
        "curves": dict(_curves(members)),
        "remarks": list(remarks),
    }
    show(json.dumps(found, indent=1, ensure_ascii=False))


def _curves(members: Sequence[Member]) -> Iterator[tuple[str, object]]:
    for member in members:
        if (directory := member.directory("pretrain")) is not None:
            curves = curves_of(directory)
            yield (
                member.label,
                {
                    kind: {
                        name: {"updates": series.updates, "values": series.values}
                        for name, series in found.items()
                    }
                    for kind, found in (
                        ("losses", curves.losses),
                        ("perplexities", curves.perplexities),
                    )
                },
            )
