"""Compares the builtin engine of the stage extract-wiki with the program wikiextractor.

    .venv/bin/python bench/extraction.py --dump DUMP [DUMP ...] [--megabytes 60] [--rounds 5]

The articles of the dumps (those of a mirror, for example) are enlarged to one multistream dump
(`enlarged_dump.py`). The variants of `extraction_variants.py` take turns, each in a new process,
with one and with two worker processes. Times are medians; ratios are medians over the rounds.
Writes bench/results/extraction.json and docs/reference/performance/pipeline.md.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from enlarged_dump import write_enlarged
from pages import fill

from xlm.display.markdown import table
from xlm.engine.building.machine import machine_record

REPOSITORY = Path(__file__).resolve().parent.parent
RESULTS = REPOSITORY / "bench" / "results" / "extraction.json"
NAME = "enwiki-20261101-pages-articles-multistream.xml.bz2"
TITLES = {
    "command": "wikiextractor, the command",
    "engine": "builtin engine",
    "stage": "the whole stage, builtin",
}
PROCESSES = (1, 2)


def main() -> None:
    """Measure the variants, store the results, and fill the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--dump", type=Path, nargs="+", required=True)
    parser.add_argument("--megabytes", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    runs: dict[str, list[dict[str, Any]]] = {
        f"{variant} {processes}": [] for processes in PROCESSES for variant in TITLES
    }
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "in").mkdir()
        dump = folder / "in" / NAME
        pages = write_enlarged(arguments.dump, arguments.megabytes, dump)
        packed_bytes = dump.stat().st_size
        for number in range(arguments.rounds):
            for name in list(runs)[:: -1 if number % 2 else 1]:
                runs[name].append(_measure(name, dump, folder / "out"))
    record = {
        "machine": {k: machine_record()[k] for k in ("system", "python", "cores")},
        "megabytes": arguments.megabytes,
        "packed_bytes": packed_bytes,
        "pages": pages,
        "runs": runs,
    }
    RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    fill("reference/performance/pipeline.md", "extraction", render(record))


def _measure(name: str, dump: Path, out: Path) -> dict[str, Any]:
    variant, processes = name.split()
    shutil.rmtree(out, ignore_errors=True)
    program = REPOSITORY / "bench" / "extraction_variants.py"
    command = [sys.executable, str(program), variant, str(dump), processes, str(out)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(name, result, flush=True)
    return result


def render(record: dict[str, Any]) -> str:
    """The table for the documentation."""
    rows = []
    for name, runs in record["runs"].items():
        variant, processes = name.split()
        row = [TITLES[variant], processes]
        for key in ("wall_seconds", "cpu_seconds"):
            others = record["runs"][f"command {processes}"]
            ratios = [other[key] / run[key] for run, other in zip(runs, others, strict=True)]
            median = statistics.median(run[key] for run in runs)
            speed = f" ({record['megabytes'] / median:.1f} MB/s)" if key == "wall_seconds" else ""
            row += [
                f"{median:.1f} s{speed}",
                f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
            ]
        rows.append(row)
    heads = ["extraction", "processes", "wall time", "times as fast", "CPU time", "times less"]
    return table(heads, rows)


if __name__ == "__main__":
    main()
