"""How fast the console script answers: `.venv/bin/python bench/startup.py`.

Prints the fastest of ten runs of `xlm --help` and of a bare `python -c pass`, and their ratio.
"""

import subprocess
import sys
import time
from pathlib import Path

RUNS = 10


def main() -> None:
    """Time both, alternating, so that a busy moment hits both."""
    xlm = Path(sys.executable).with_name("xlm")
    commands = {"python": [sys.executable, "-c", "pass"], "xlm --help": [str(xlm), "--help"]}
    fastest = dict.fromkeys(commands, float("inf"))
    for _ in range(RUNS):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            fastest[name] = min(fastest[name], time.perf_counter() - began)
    for name, seconds in fastest.items():
        print(f"{name:12} {seconds * 1000:6.0f} ms")
    print(f"ratio        {fastest['xlm --help'] / fastest['python']:6.1f}")


if __name__ == "__main__":
    main()
