"""Measures the maximum cost of hashing inputs before a build, with one run for each stage.

    .venv/bin/python bench/input_checks.py [--root ./data] [--profile mini15] [--set NAME=VALUE ...]

A run does not hash artifacts that it wrote itself, so a complete run hashes nothing. Here, each
stage is built again by a run that finds all inputs in the store and hashes them. The wall times of
hashing and of the stage come from the same run, so other work on the machine affects both. Writes
bench/results/input_checks.json and docs/reference/performance/pipeline.md.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from pages import fill
from runs import record_of, run_pipeline

from xlm.config.environment import MachineSettings
from xlm.display.markdown import format_duration, format_size, table
from xlm.engine.building.machine import machine_record
from xlm.report.costs import costs_of
from xlm.store.disk.root import resolve_root

RESULTS = Path(__file__).resolve().parent / "results" / "input_checks.json"
STAGES = ("extract-wiki", "split", "tokenize", "learn-bpe", "apply-bpe", "vocabulary", "shard")


def main() -> None:
    """Build up to the shards, build each stage again, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=MachineSettings.from_environment().root)
    parser.add_argument("--profile", default="mini15")
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    arguments = parser.parse_args()
    root = resolve_root(arguments.root)
    run_pipeline(root, arguments.profile, arguments.overrides, until=STAGES[-1])
    rows = []
    for stage in STAGES:
        run_pipeline(root, arguments.profile, arguments.overrides, until=stage, refresh=(stage,))
        rows.append(row_of(stage, record_of(root, arguments.overrides), root))
    record = {
        "cores": machine_record()["cores"],
        "profile": Path(arguments.profile).stem,
        "rows": rows,
    }
    RESULTS.write_text(json.dumps(record, indent=1) + "\n")
    fill("reference/performance/pipeline.md", "input-checks", render(rows))


def row_of(stage: str, record: dict[str, Any], root: Path) -> dict[str, Any]:
    """The bytes and seconds of hashing in the newest run, and the seconds of the stage."""
    cost = next(cost for cost in costs_of(record, root) if cost.stage == stage)
    return {
        "stage": stage,
        "input_bytes": record["input_check_bytes"],
        "hash_seconds": record["input_check_seconds"],
        "stage_seconds": cost.wall_seconds,
        "run_seconds": record["seconds"],
    }


def render(rows: list[dict[str, Any]]) -> str:
    """Render the table, with a row of sums."""
    names = ("input_bytes", "hash_seconds", "stage_seconds", "run_seconds")
    sums = {name: sum(row[name] for row in rows) for name in names}
    table_rows = [
        [
            row["stage"],
            format_size(row["input_bytes"]),
            format_duration(row["hash_seconds"]),
            format_duration(row["stage_seconds"]),
            f"{100 * row['hash_seconds'] / row['stage_seconds']:.1f} %",
            f"{100 * row['hash_seconds'] / row['run_seconds']:.1f} %",
        ]
        for row in [*rows, {"stage": "all", **sums}]
    ]
    header = ["stage", "inputs", "hashing", "stage, all units", "of the stage", "of the run"]
    return table(header, table_rows)


if __name__ == "__main__":
    main()
