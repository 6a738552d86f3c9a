"""Measures the cost of Prefect's tags: `.venv/bin/python bench/tagged_tasks.py`.

Two flows with 240 empty tasks run alternately on one server. In one, the tasks have tags at their
start, so Prefect requests a concurrency slot for each tag. In the other, the tasks set their tags
themselves, as `tasks/stage_task.py` does. Writes the table to
docs/reference/performance/pipeline.md.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pages import fill

from flows.server.environment import quiet_environment
from flows.server.process import temporary_server
from xlm.display.markdown import table

TASKS = 240
RUNS = 3


def main() -> None:
    """Time both flows alternately and keep the fastest run of each."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        os.environ |= quiet_environment(home)
        with temporary_server(home) as access:
            os.environ |= access.client_variables()
            flows = _flows()
            fastest = dict.fromkeys(flows, float("inf"))
            for _ in range(RUNS):
                for way, run in flows.items():
                    began = time.perf_counter()
                    run()
                    fastest[way] = min(fastest[way], time.perf_counter() - began)
    before, inside = fastest.values()
    rows = [[way, f"{seconds:.1f} s"] for way, seconds in fastest.items()]
    rows.append(["ratio", f"{before / inside:.1f}"])
    fill(
        "reference/performance/pipeline.md",
        "tags",
        table([f"{TASKS} empty tasks", "fastest of three"], rows),
    )
    sys.stdout.write(f"{before / inside:.1f}\n")


def _flows() -> dict[str, Callable[[], Any]]:
    from prefect import flow, tags, task
    from prefect.cache_policies import NO_CACHE
    from prefect.context import TaskRunContext
    from prefect.task_runners import ThreadPoolTaskRunner

    runner: Any = ThreadPoolTaskRunner(max_workers=64)

    @task(cache_policy=NO_CACHE, persist_result=False)
    def empty(number: int) -> None:
        context = TaskRunContext.get()
        if context is not None and not context.task_run.tags:
            context.task_run.tags = [f"unit:{number}"]

    @flow(task_runner=runner)
    def at_their_start() -> None:
        futures = []
        for number in range(TASKS):
            with tags(f"unit:{number}"):
                futures.append(empty.submit(number))
        for future in futures:
            future.wait()

    @flow(task_runner=runner)
    def from_inside() -> None:
        for future in [empty.submit(number) for number in range(TASKS)]:
            future.wait()

    return {"tagged at their start": at_their_start, "tagged from inside": from_inside}


if __name__ == "__main__":
    main()
