"""Rates of stages: bytes out, CPU seconds and memory for each byte that a stage reads.

`rates.json` has those of a reference machine; `bench/cost_rates.py` writes it from measured runs.
The rates of this machine's own runs (`recorded.py`) replace them where there are any.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from xlm.stages.units import kind_of_unit

RATES = Path(__file__).with_name("rates.json")

GIGABYTE = 10**9

_NAMES = (
    "machine",
    "download_bytes_per_second",
    "scratch_per_input",
    "bytes_per_word_type",
    "word_types_per_root",
    "merge_seconds_per_million_types",
    "count_seconds_per_gigabyte",
    "counts_per_input",
)

Origin = Literal["recorded", "table"]


@dataclass(frozen=True)
class Rate:
    """What a stage costs for each byte that it reads."""

    output_per_input: float
    """Bytes of the artifact."""
    cpu_seconds_per_gigabyte: float
    memory_bytes: int
    """Peak of its largest process."""
    origin: Origin = "table"


@dataclass(frozen=True)
class RateTable:
    """The committed rates."""

    machine: str
    download_bytes_per_second: float
    """Of one server, with as many connections as it allows."""
    rates: dict[tuple[str, str], Rate]
    """By stage, and kind of unit or unit."""
    scratch_per_input: dict[str, float]
    """Temporary bytes of a stage for each byte that it reads; declared, not measured."""
    bytes_per_word_type: dict[str, int]
    """Memory of each learner of merges."""
    merge_seconds_per_million_types: float
    """CPU time of the deterministic learner, which works on counted words."""
    count_seconds_per_gigabyte: float
    """CPU time of the workers that count the words of a large sample."""
    counts_per_input: float
    """Bytes of these counts for each byte of the sample."""
    word_types_per_root: float
    """Different words in a language: this times the bytes of its text to the power of 0.64."""

    def rate(self, stage: str, unit: str) -> Rate | None:
        """The rate of a unit: its own, else that of its kind, else that of the stage."""
        for name in (unit, kind_of_unit(unit), ""):
            if (found := self.rates.get((stage, name))) is not None:
                return found
        return None


@cache
def rate_table() -> RateTable:
    """Read the committed rates."""
    values: dict[str, Any] = json.loads(RATES.read_bytes())
    return RateTable(
        rates={
            (stage, name): Rate(**rate)
            for stage, rates in values["rates"].items()
            for name, rate in rates.items()
        },
        **{name: values[name] for name in _NAMES},
    )
