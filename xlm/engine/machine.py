"""What ran a stage: recorded beside an artifact, never in its digest."""

import os
import platform
from functools import cache


@cache
def machine_record() -> dict[str, str | int]:
    """Host, system, Python and cores of this machine."""
    return {
        "host": platform.node(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
    }
