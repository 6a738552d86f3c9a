"""The machine that ran a stage: recorded in `run.json`, never part of a digest."""

import os
import platform
from functools import cache


@cache
def machine_record() -> dict[str, str | int]:
    """Host name, system, Python version and cores of this machine."""
    return {
        "host": platform.node(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
    }
