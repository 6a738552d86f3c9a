"""The curves of a run, read from its `metrics.jsonl` and its validations, during or after the run.

curves = read_curves(scratch / "metrics.jsonl", state.validations)
curves.losses["MLM"].values[-1]
"""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xlm.display.plotting import Series
from xlm.errors import DataError
from xlm.training.launch.job import METRICS_FILE

VALIDATION_FILE = "validation.json"
_PERPLEXITY = re.compile(r"valid_(\w+?)_(mlm|clm)_ppl")
"""XLM's name of the perplexity of a language, or of a pair: `en_sw` (spec 4.4)."""


@dataclass(frozen=True)
class Curves:
    """What a run has recorded so far, without values that are not finite."""

    losses: Mapping[str, Series]
    """Training loss in nats by objective (`MLM`, `TLM`)."""
    perplexities: Mapping[str, Series]
    """Validation perplexity by language code; by pair if no language was validated."""
    learning_rate: Series | None
    gradient_norm: Series | None
    """Before clipping, mean over the updates of a record."""


def read_curves(metrics: Path, validations: Iterable[Mapping[str, float]]) -> Curves:
    """Read the curves of a run.

    Args:
        metrics: file of records with step, loss by objective, learning_rate, gradient_norm.
        validations: records `{"step": .., "valid_sw_mlm_ppl": ..}`.

    Raises:
        DataError: a line is not a JSON object.
    """
    losses: dict[str, list[tuple[int, float]]] = {}
    rates: list[tuple[int, float]] = []
    norms: list[tuple[int, float]] = []
    for line in _lines(metrics):
        record = parse_record(line, metrics)
        for objective, loss in record.get("loss", {}).items():
            losses.setdefault(objective.upper(), []).append((record["step"], loss))
        for points, name in ((rates, "learning_rate"), (norms, "gradient_norm")):
            if name in record:
                points.append((record["step"], record[name]))
    found = {name: _series(points) for name, points in sorted(losses.items())}
    return Curves(
        losses={name: series for name, series in found.items() if series},
        perplexities=_perplexities(list(validations)),
        learning_rate=_series(rates),
        gradient_norm=_series(norms),
    )


def curves_of(directory: Path) -> Curves:
    """Read the curves of a pretrain artifact.

    Raises:
        DataError: a file is damaged.
    """
    path = directory / VALIDATION_FILE
    summary = parse_record(path.read_bytes(), path)
    return read_curves(directory / METRICS_FILE, summary.get("validations", []))


def trained_objectives(metrics: Path) -> tuple[str, ...]:
    """The objectives that at least one update trained, sorted.

    A configured objective is not among them if it has no data, or if the run was too short.

    Raises:
        DataError: a line is not a JSON object with losses by objective.
    """
    found: set[str] = set()
    for number, line in enumerate(_lines(metrics), start=1):
        try:
            found |= set(json.loads(line)["loss"])
        except (ValueError, TypeError, KeyError):
            raise DataError(
                f"{metrics}, line {number}: no losses by objective", fix="rebuild the artifact"
            ) from None
    return tuple(sorted(found))


def parse_record(content: bytes, path: Path) -> dict[str, Any]:
    """Parse a JSON object of the file `path`.

    Raises:
        DataError: it is not a JSON object.
    """
    try:
        record = json.loads(content)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise DataError(f"{path} is not readable JSON", fix="rebuild the artifact")
    return record


def mean_series(perplexities: Mapping[str, Series]) -> Series | None:
    """The arithmetic mean over languages, XLM's stop criterion (spec 4.4).

    It has values only at updates where every language has one.
    """
    if not perplexities:
        return None
    points = [dict(zip(s.updates, s.values, strict=True)) for s in perplexities.values()]
    shared = sorted(set.intersection(*(set(values) for values in points)))
    if not shared:
        return None
    means = tuple(sum(values[update] for values in points) / len(points) for update in shared)
    return Series(tuple(shared), means)


def _lines(path: Path) -> list[bytes]:
    """The complete lines of a file that may be growing."""
    return path.read_bytes().split(b"\n")[:-1]


def _perplexities(validations: Sequence[Mapping[str, float]]) -> dict[str, Series]:
    points: dict[str, list[tuple[int, float]]] = {}
    for record in validations:
        for name, value in record.items():
            match = _PERPLEXITY.fullmatch(name)
            # With both objectives, the stop criterion is the masked perplexity.
            if match and (match[2] == "mlm" or f"valid_{match[1]}_mlm_ppl" not in record):
                points.setdefault(match[1], []).append((int(record["step"]), value))
    languages = [unit for unit in points if "_" not in unit]
    found = {unit: _series(points[unit]) for unit in languages or points}
    return {unit: series for unit, series in found.items() if series}


def _series(points: Sequence[tuple[int, float]]) -> Series | None:
    finite = [(update, value) for update, value in points if math.isfinite(value)]
    if not finite:
        return None
    updates, values = zip(*finite, strict=True)
    return Series(updates, values)
