"""The machine that ran a stage: recorded in `run.json`, never part of a digest."""

import os
import platform
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def machine_record() -> dict[str, str | int]:
    """Host name, system, Python version and cores of this machine, and the pipeline's version."""
    record: dict[str, str | int] = {
        "host": platform.node(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
    }
    with suppress(PackageNotFoundError):  # its files were copied here
        record["pipeline_version"] = version("xlm-pipeline")
    return record
