"""What a run really trained, from its metrics: settings only say what was asked for.

trained_objectives(pretrained / "metrics.jsonl")  # ("mlm",) where there were no pairs for TLM
"""

import json
from pathlib import Path

from xlm.errors import DataError


def trained_objectives(metrics: Path) -> tuple[str, ...]:
    """The objectives that at least one update trained, sorted.

    Raises:
        DataError: a line is not a JSON object with losses by objective.
    """
    found: set[str] = set()
    for number, line in enumerate(metrics.read_bytes().split(b"\n")[:-1], start=1):
        try:
            found |= set(json.loads(line)["loss"])
        except (ValueError, TypeError, KeyError):
            raise DataError(
                f"{metrics}, line {number}: no losses by objective", fix="rebuild the artifact"
            ) from None
    return tuple(sorted(found))
