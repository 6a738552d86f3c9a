"""Wall time and peak memory of each stage, as the runs themselves recorded it.

    .venv/bin/python bench/costs.py [--root ./data] [profile ...]

Writes bench/results/costs.json and the tables between the markers in docs/performance.md.
"""

import argparse
import json
from pathlib import Path

from xlm.config.settings import Settings
from xlm.markdown import duration, size, table
from xlm.pipeline.machine import machine_record
from xlm.pipeline.results import StageCost, costs_of
from xlm.pipeline.run_record import last_run
from xlm.store.root import resolve_root

HOME = Path(__file__).resolve().parent
PAGE = HOME.parent / "docs" / "performance.md"
BEGIN, END = "<!-- costs: begin -->", "<!-- costs: end -->"
PROFILES = ("sample", "mini15")


def main() -> None:
    """Collect, write, render."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=Settings.of_environment().root)
    parser.add_argument("profiles", nargs="*", default=list(PROFILES))
    arguments = parser.parse_args()
    root = resolve_root(arguments.root)
    found = {name: costs_of(last_run(root, profile=name), root) for name in arguments.profiles}
    record = {
        "machine": {"cores": machine_record()["cores"], "system": machine_record()["system"]},
        "profiles": {name: [cost._asdict() for cost in costs] for name, costs in found.items()},
    }
    (HOME / "results").mkdir(exist_ok=True)
    (HOME / "results" / "costs.json").write_text(json.dumps(record, indent=1) + "\n")
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    tables = "\n\n".join(f"### {name}\n\n{render(costs)}" for name, costs in found.items())
    PAGE.write_text(f"{before}{BEGIN}\n{tables}\n{END}{after}", encoding="utf-8")


def render(costs: list[StageCost]) -> str:
    """One row a stage."""
    header = ("stage", "units", "wall time", "longest unit", "CPU time", "peak memory", "size")
    rows = [
        (
            cost.stage,
            str(cost.units),
            duration(cost.wall_seconds),
            duration(cost.longest_seconds),
            duration(cost.cpu_seconds),
            size(cost.peak_memory_bytes),
            size(cost.size_bytes),
        )
        for cost in costs
    ]
    return table(header, rows)


if __name__ == "__main__":
    main()
