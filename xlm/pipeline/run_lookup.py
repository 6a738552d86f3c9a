"""Finds a run by its name, its number or its start time, as `xlm runs` prints them.

record = find_run(root, "base")                 # the newest run of this name
record = find_run(root, "12")                   # run 12
record = find_run(root, "2026-11-28 17:49")     # the run that started in this minute
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xlm.errors import StoreError
from xlm.pipeline.run_record import all_runs

_TIME = re.compile(
    r"\d{4}-?\d\d-?\d\d([T ]?\d\d(:?\d\d(:?\d\d(\.?\d{1,6})?)?)?)?(Z|\+00:00)?", re.ASCII
)
_SHOWN = 10
_TIME_DIGITS = 20
"""Digits of a start time, down to microseconds."""


def run_number(record: Mapping[str, Any]) -> str:
    """The number of a run as `xlm runs` prints it; empty for records of early versions."""
    return str(record["number"] or "")


def run_label(record: Mapping[str, Any]) -> str:
    """The name of a run, or else its number, or else its start time."""
    return record["request"]["name"] or run_number(record) or start_time(record)


def start_time(record: Mapping[str, Any]) -> str:
    """The start of a run in UTC, `2026-11-28 17:49:06`."""
    return str(record["started"])[:19].replace("T", " ")


def find_run(root: Path, text: str) -> dict[str, Any] | None:
    """Return the record of a run, or None if no run has this name, number or start time.

    Raises:
        StoreError: several runs started in the given time.
    """
    records = list(all_runs(root))
    for record in records:
        if record["request"]["name"] == text:
            return record
    number = text.removeprefix("#")
    if number.isascii() and number.isdecimal() and len(number) < 10:
        for record in records:
            if record["number"] == int(number) and record["number"]:
                return record
    if not _TIME.fullmatch(text):
        return None
    begun = _digits(text.removesuffix("+00:00"))
    found = [one for one in records if _digits(one["started"])[:_TIME_DIGITS].startswith(begun)]
    if len(found) > 1:
        shown = ", ".join(map(run_label, found[:_SHOWN]))
        raise StoreError(f"{len(found)} runs started at {text}", fix=f"name one of them: {shown}")
    return found[0] if found else None


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)
