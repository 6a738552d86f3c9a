"""Compares one and two training processes (gloo) on mini15: speed and time waiting for data.

    .venv/bin/python bench/scaling.py [--root ./data] [--set sources.mirror=../mirror]

Each configuration trains the same short run three times, with one thread per process; the fastest
run counts. Writes bench/results/scaling.json and the table in
docs/reference/performance/training.md.
"""

import argparse
import json
from pathlib import Path

from pages import fill
from runs import directories, record_of, run_pipeline

from xlm.config.environment import MachineSettings
from xlm.display.markdown import table
from xlm.store.disk.root import resolve_root

RESULTS = Path(__file__).parent / "results" / "scaling.json"
PROFILE = "mini15"
ROUNDS = 3
SHORT = ("pretrain.updates=60", "pretrain.validation_updates=60", "pretrain.figures=false",
         "pretrain.tensorboard=false", "pretrain.validation_max_chunks=1",
         "pretrain.validation_max_pairs=1")  # fmt: skip


def main() -> None:
    """Run, write the JSON file, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=MachineSettings.from_environment().root)
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    arguments = parser.parse_args()
    root, common = resolve_root(arguments.root), tuple(arguments.overrides)
    best: dict[str, dict[str, dict[str, float]]] = {}
    for number in range(ROUNDS):
        for recipe in ("faithful", "fast"):
            for processes in (1, 2):
                measured = _train(root, common, recipe, processes, seed=number)
                known = best.setdefault(recipe, {}).get(str(processes))
                if known is None or measured["tokens_per_second"] > known["tokens_per_second"]:
                    best[recipe][str(processes)] = measured
    RESULTS.write_text(json.dumps(best, indent=1) + "\n")
    fill("reference/performance/training.md", "scaling", render(best))
    print(render(best))


def render(best: dict[str, dict[str, dict[str, float]]]) -> str:
    """Render one row per recipe."""
    header = ("recipe", "one process", "two processes", "ratio", "time waiting for data")
    rows = []
    for recipe, by_processes in best.items():
        one, two = (by_processes[n]["tokens_per_second"] for n in ("1", "2"))
        waiting = max(found["waiting_share"] for found in by_processes.values())
        rows.append((recipe, f"{one:,.0f} tokens/s", f"{two:,.0f} tokens/s", f"{two / one:.2f}",
                     f"{100 * waiting:.2f} %"))  # fmt: skip
    return table(header, rows)


def _train(
    root: Path, common: tuple[str, ...], recipe: str, processes: int, seed: int
) -> dict[str, float]:
    overrides = (*common, *SHORT, f"pretrain.recipe={recipe}", f"pretrain.processes={processes}",
                 f"pretrain.seed={seed}")  # fmt: skip
    run_pipeline(root, PROFILE, overrides, until="pretrain", refresh=("pretrain",))
    directory = directories(root, record_of(root, overrides))["pretrain[all]"]
    measured = json.loads((directory / "run.json").read_text())
    return {name: measured[name] for name in ("tokens_per_second", "waiting_share")}


if __name__ == "__main__":
    main()
