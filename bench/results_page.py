"""Writes the results of the last run of a profile into its page of the docs.

.venv/bin/python bench/results_page.py [--root ./data] [--profile sample] [--section results]

The section `results` has all tables of the last run that evaluated a model; `sweep` has those of
the sweep of the last run.
"""

import argparse

from pages import fill

from xlm.classification.results.records import read_results
from xlm.classification.results.sweep_tables import sweep_tables
from xlm.classification.results.tables import tables
from xlm.config.environment import MachineSettings
from xlm.display.markdown import format_duration, table
from xlm.pipeline.run_record import last_run
from xlm.report.run_results import artifact_of
from xlm.store.disk.root import resolve_root


def main() -> None:
    """Read the last run of the profile and write its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=MachineSettings.from_environment().root)
    parser.add_argument("--profile", default="sample")
    parser.add_argument("--section", choices=("results", "sweep"), default="results")
    arguments = parser.parse_args()
    root = resolve_root(arguments.root)
    record = last_run(root, profile=arguments.profile, reaching="evaluate", built=True)
    built = sum(node["status"] == "built" for node in record["nodes"])
    is_sweep = arguments.section == "sweep"
    how = "; the store had the others" if is_sweep else f" in {format_duration(record['seconds'])}"
    took = f"{built} of {record['selected']} nodes built{how}."
    results = read_results(artifact_of(record, root, "evaluate"))
    found = sweep_tables(results) if is_sweep else tables(results)
    text = "\n\n".join(f"### {one.title}\n\n{table(one.header, one.rows)}" for one in found)
    fill(f"reference/results/{arguments.profile}.md", arguments.section, f"{took}\n\n{text}")


if __name__ == "__main__":
    main()
