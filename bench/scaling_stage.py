"""Builds all units of stages in this process and its workers; prints what that took as JSON.

    python bench/scaling_stage.py ROOT WORKERS STAGE[,STAGE...] PROFILE [NAME=VALUE ...]

For `scaling_data.py`. The inputs count as written by this run, as in a run of the whole pipeline,
so they are not hashed. CPU time includes the start of Python and the workers; `driver_seconds` is
the part of this process, which all workers share.
"""

import json
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from xlm.config.environment import MachineSettings
from xlm.engine.events import NoObserver
from xlm.pipeline.dag import open_request
from xlm.pipeline.request import RunRequest


def main(root: str, workers: str, stages: str, profile: str, *overrides: str) -> None:
    """Build, print."""
    names = tuple(stages.split(","))
    request = RunRequest(profile=profile, overrides=overrides, only=names)
    began = time.monotonic()
    with open_request(request, MachineSettings(root, int(workers)), NoObserver()) as run:
        built = []
        for name in names:
            nodes = [node for node in run.selected if node.stage == name]
            for node in nodes:
                for needed in run.graph.upstream[node].values():
                    run.checks.wrote(run.locate(needed))
            with ThreadPoolExecutor(len(nodes)) as threads:
                built += threads.map(run.build, nodes)
    wall = time.monotonic() - began
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    result = {
        "cpu_seconds": round(sum(one.ru_utime + one.ru_stime for one in used), 2),
        "driver_seconds": round(used[0].ru_utime + used[0].ru_stime, 2),
        "wall_seconds": round(wall, 2),
        "artifact_bytes": sum(one.artifact.manifest.size_bytes for one in built),
        "worker_bytes": max(_peak(one.artifact.directory) for one in built),
        "digests": {str(one.node): one.artifact.manifest.digest for one in built},
    }
    print(json.dumps(result))


def _peak(directory: Path) -> int:
    """The memory of the largest worker, which the build itself measured."""
    measured: dict[str, int] = json.loads((directory / "run.json").read_bytes())
    return measured["peak_memory_bytes"]


if __name__ == "__main__":
    main(*sys.argv[1:])
