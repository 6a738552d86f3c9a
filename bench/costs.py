"""Writes wall time and peak memory of each stage, from the records of the last runs.

    .venv/bin/python bench/costs.py [--root ./data] [profile ...]

Writes bench/results/costs.json and the tables in docs/reference/performance/pipeline.md.
"""

import argparse
import json
from pathlib import Path

from pages import fill

from xlm.config.environment import MachineSettings
from xlm.display.markdown import table
from xlm.engine.building.machine import machine_record
from xlm.pipeline.run_record import last_run
from xlm.report.costs import cost_table, costs_of
from xlm.store.disk.root import resolve_root

HOME = Path(__file__).resolve().parent
PROFILES = ("sample", "mini15")


def main() -> None:
    """Read the records, write the JSON file and the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=MachineSettings.from_environment().root)
    parser.add_argument("profiles", nargs="*", default=list(PROFILES))
    arguments = parser.parse_args()
    root = resolve_root(arguments.root)
    found = {
        name: costs_of(last_run(root, profile=name, reaching="publish"), root)
        for name in arguments.profiles
    }
    record = {
        "machine": {"cores": machine_record()["cores"], "system": machine_record()["system"]},
        "profiles": {name: [cost._asdict() for cost in costs] for name, costs in found.items()},
    }
    (HOME / "results").mkdir(exist_ok=True)
    (HOME / "results" / "costs.json").write_text(json.dumps(record, indent=1) + "\n")
    tables = "\n\n".join(
        f"### {name}\n\n{table(*cost_table(costs))}" for name, costs in found.items()
    )
    fill("reference/performance/pipeline.md", "costs", tables)


if __name__ == "__main__":
    main()
