"""Reads `run.json`: time, memory and other values measured while an artifact was built."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from xlm.errors import StoreError
from xlm.store.disk.filesystem import read_small
from xlm.store.manifest import RUN_NAME


class _Measurements(BaseModel):
    model_config = ConfigDict(extra="allow")

    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    input_check_seconds: float = 0.0
    input_check_bytes: int = 0


def read_measurements(directory: Path) -> dict[str, Any]:
    """Read the measured values of an artifact.

    Raises:
        StoreError: its `run.json` is missing or damaged.
    """
    path = directory / RUN_NAME
    try:
        return _Measurements.model_validate_json(read_small(path)).model_dump()
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(
            f"{path} cannot be read ({type(error).__name__})",
            fix="rebuild the artifact with `--verify deep`",
        ) from error
