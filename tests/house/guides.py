"""Runs the commands of a guide as they stand on its page."""

import subprocess
from pathlib import Path

from tests.flows.console import environment
from tests.repository import REPOSITORY
from tests.tutorial import commands_of


def run_guide(page: Path, folder: Path) -> dict[str, str]:
    """Run all commands but installations; returns what each printed."""
    printed = {}
    scripts = REPOSITORY / ".venv" / "bin"
    variables = environment(folder / "data")
    for command in commands_of(page):
        if command.startswith("pip "):
            continue
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=variables | {"PATH": f"{scripts}:{variables['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=500,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        printed[command] = done.stdout
    return printed
