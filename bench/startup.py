"""Measures the start-up of the console script: `.venv/bin/python bench/startup.py`.

Writes the fastest of ten runs of `xlm --help` and of `python -c pass`, and their ratio, to
docs/reference/performance/pipeline.md.
"""

import subprocess
import sys
import time
from pathlib import Path

from pages import fill

from xlm.display.markdown import table

RUNS = 10


def main() -> None:
    """Time both commands alternately, so that other work on the machine affects both."""
    xlm = Path(sys.executable).with_name("xlm")
    commands = {"python": [sys.executable, "-c", "pass"], "xlm --help": [str(xlm), "--help"]}
    fastest = dict.fromkeys(commands, float("inf"))
    for _ in range(RUNS):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            fastest[name] = min(fastest[name], time.perf_counter() - began)
    rows = [[name, f"{seconds * 1000:.0f} ms"] for name, seconds in fastest.items()]
    rows.append(["ratio", f"{fastest['xlm --help'] / fastest['python']:.1f}"])
    fill("reference/performance/pipeline.md", "startup", table(["command", "fastest of ten"], rows))


if __name__ == "__main__":
    main()
