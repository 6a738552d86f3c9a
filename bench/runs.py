"""Starts pipeline runs for benchmarks, as a user does, and reads their records."""

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xlm.pipeline.request import RunRequest
from xlm.pipeline.run_record import runs


def run_pipeline(
    root: Path, profile: str, overrides: Sequence[str], *, until: str, refresh: Sequence[str] = ()
) -> None:
    """Run `xlm run` with one worker; its output goes to `benchmark.log` in the root."""
    request = RunRequest(profile=profile, overrides=tuple(overrides), until=until)
    words = shlex.split(request.command(root))[1:]
    command = [sys.executable, "-m", "flows.commands.main", *words]
    for stage in refresh:
        command += ["--refresh", stage]
    print(shlex.join(command[3:]), flush=True)
    root.mkdir(parents=True, exist_ok=True)
    log = root / "benchmark.log"
    with log.open("ab") as stream:
        done = subprocess.run(
            command,
            env=os.environ | {"XLM_ROOT": str(root), "XLM_WORKERS": "1"},
            stdout=stream,
            stderr=stream,
            check=False,
        )
    if done.returncode:
        sys.exit(f"a run failed; see {log}")


def record_of(root: Path, overrides: Sequence[str]) -> dict[str, Any]:
    """The newest run with exactly these overrides; other runs can end at the same time."""
    for record in runs(root):
        if record["request"]["overrides"] == list(overrides):
            return record
    sys.exit(f"no run with {' '.join(overrides)} is recorded in {root}")


def directories(root: Path, record: dict[str, Any]) -> dict[str, Path]:
    """Map `stage[unit]` to the directory of its artifact."""
    return {
        f"{node['stage']}[{node['unit']}]": root / node["directory"] for node in record["nodes"]
    }
