"""Measures a fully cached run, and what two parts of its start-up save.

    .venv/bin/python bench/cached_run.py [--root ./data] [--profile sample] [--rounds 7]

Build the profile in the root first (`make run`). Each round runs four commands, in another order:

* a flow without tasks;
* the cached run;
* the cached run without bytecode of the installed packages, as after an installation that does not
  compile;
* the cached run with a Prefect server that starts after the imports (`bench/late_server.py`).

All four start and end a server. CPU time includes all processes of a command. Each round gives one
ratio of each command to the cached run; the table has the medians, so other work on the machine has
little effect. Writes bench/results/cached_run.json and docs/reference/performance/pipeline.md.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from pages import fill

from xlm.config.environment import MachineSettings
from xlm.display.markdown import table
from xlm.engine.building.machine import machine_record
from xlm.pipeline.request import RunRequest
from xlm.pipeline.run_record import last_run
from xlm.store.disk.root import resolve_root

HERE = Path(__file__).resolve().parent
EMPTY, CACHED = "empty flow", "cached run"
BARE, LATE = "cached run, no bytecode of packages", "cached run, server after the imports"
EMPTY_FLOW = """
import os, sys
from pathlib import Path
from flows.server.process import temporary_server
with temporary_server(Path(sys.argv[1])) as access:
    os.environ |= access.client_variables()
    from prefect import flow
    @flow
    def empty() -> None:
        pass
    empty()
"""

Seconds = tuple[float, float]
"""Wall time and CPU time, seconds."""


def main() -> None:
    """Measure, write the JSON file and the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=MachineSettings.from_environment().root)
    parser.add_argument("--profile", default="sample")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    root = resolve_root(arguments.root)
    request = RunRequest(profile=arguments.profile)
    with tempfile.TemporaryDirectory() as scratch:
        rounds = measure(root, request, Path(scratch), arguments.rounds)
    record = {
        "machine": {"cores": machine_record()["cores"], "load": os.getloadavg()[0]},
        "profile": Path(arguments.profile).stem,
        "nodes": len(last_run(root, profile=arguments.profile)["nodes"]),
        "rounds": rounds,
    }
    results = HERE / "results" / "cached_run.json"
    results.write_text(json.dumps(record, indent=1) + "\n")
    fill("reference/performance/pipeline.md", "cached", render(rounds))


def measure(root: Path, request: RunRequest, scratch: Path, count: int) -> list[dict[str, Seconds]]:
    """Measure the four commands in each round."""
    words = ["run", "--profile", request.profile]
    flow = [sys.executable, "-P", "-m", "flows.commands.main", *words]
    commands = {
        CACHED: flow,
        EMPTY: [sys.executable, "-P", "-c", EMPTY_FLOW, str(scratch / "home")],
        BARE: flow,
        LATE: [sys.executable, "-P", str(HERE / "late_server.py"), *words],
    }
    complete, partial = scratch / "bytecode", scratch / "partial"
    environment = os.environ | {
        "XLM_ROOT": str(root),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PYTHONSAFEPATH": "1",
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    for command in commands.values():  # not measured: compiles the imported modules
        seconds_of(command, environment | {"PYTHONPYCACHEPREFIX": str(complete)})
    if any(node["status"] != "cached" for node in last_run(root, profile=request.profile)["nodes"]):
        sys.exit("the run was not fully cached; build the profile first")
    rounds = []
    for number in range(count):
        found = {}
        names = [*commands][number % 4 :] + [*commands][: number % 4]
        for name in names:
            if name == BARE:
                copy_without_packages(complete, partial)
            prefix = {"PYTHONPYCACHEPREFIX": str(partial if name == BARE else complete)}
            found[name] = seconds_of(commands[name], environment | prefix)
        rounds.append(found)
        sys.stdout.write(f"{json.dumps(found)}\n")
        sys.stdout.flush()
    return rounds


def copy_without_packages(complete: Path, partial: Path) -> None:
    """Copy the bytecode without that of installed packages."""
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(complete, partial)
    shutil.rmtree(partial / sysconfig.get_path("purelib").lstrip("/"))


def seconds_of(command: Sequence[str], environment: Mapping[str, str]) -> Seconds:
    """Wall time of a command, and CPU time of it and its child processes."""
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        streams = [(os.POSIX_SPAWN_DUP2, output.fileno(), number) for number in (1, 2)]
        pid = os.posix_spawn(command[0], command, environment, file_actions=streams)
        _, status, usage = os.wait4(pid, 0)
        wall = time.perf_counter() - began
        if status:
            output.seek(0)
            sys.exit(output.read().decode(errors="replace"))
    return round(wall, 2), round(usage.ru_utime + usage.ru_stime, 2)


def render(rounds: Sequence[Mapping[str, Seconds]]) -> str:
    """Render medians, and medians of the ratios to the cached run."""
    rows = []
    for name in (EMPTY, CACHED, BARE, LATE):
        row = [name]
        for kind in (0, 1):
            seconds = statistics.median(found[name][kind] for found in rounds)
            ratio = statistics.median(found[name][kind] / found[CACHED][kind] for found in rounds)
            row += [f"{seconds:.1f} s", f"{ratio:.2f}"]
        rows.append(row)
    header = ["command", "wall time", "ratio", "CPU time", "ratio"]
    return table(header, rows)


if __name__ == "__main__":
    main()
