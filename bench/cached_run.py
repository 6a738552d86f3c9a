"""What a fully cached run costs beyond an empty flow: `.venv/bin/python bench/cached_run.py`.

Both start a Prefect server of their own, as `xlm run` does; run `make run` before. Writes the
fastest of three alternating runs of each, and the difference, into docs/performance.md.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pages import fill

from xlm.config.settings import Settings
from xlm.markdown import table
from xlm.store.root import resolve_root

RUNS = 3
EMPTY = """
import os, sys
from pathlib import Path
from flows.server import temporary_server
with temporary_server(Path(sys.argv[1])) as access:
    os.environ |= access.client_variables()
    from prefect import flow
    @flow
    def empty() -> None:
        pass
    empty()
"""


def main() -> None:
    """Time both, alternating."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=Settings.of_environment().root)
    root = resolve_root(parser.parse_args().root)
    quiet = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
    xlm = str(Path(sys.executable).with_name("xlm"))
    with tempfile.TemporaryDirectory() as home:
        commands = {
            "empty flow": [sys.executable, "-c", EMPTY, home],
            "cached sample run": [xlm, "run", "--root", str(root)],
        }
        fastest = dict.fromkeys(commands, float("inf"))
        for _ in range(RUNS):
            for name, command in commands.items():
                began = time.perf_counter()
                done = subprocess.run(
                    command, check=True, capture_output=True, text=True, env=os.environ | quiet
                )
                fastest[name] = min(fastest[name], time.perf_counter() - began)
                if "built" in done.stdout:
                    sys.exit("the run was not fully cached: run `make run` first")
    empty, cached = fastest.values()
    rows = [[name, f"{seconds:.1f} s"] for name, seconds in fastest.items()]
    rows.append(["difference", f"{cached - empty:.1f} s"])
    fill("performance.md", "cached", table(["command", "fastest of three"], rows))


if __name__ == "__main__":
    main()
