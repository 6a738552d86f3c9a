"""Rewrite infra/constraints.txt from the environment at hand: `make lock`."""

import subprocess
import sys
from pathlib import Path

CONSTRAINTS = Path(__file__).with_name("constraints.txt")
HEADER = """\
# What the set-up installs; `make lock` rewrites this file from the environment at hand.
# torch and fastBPE are pinned in infra/bootstrap.py, which knows how to build them.
"""
ELSEWHERE = ("torch==", "fastbpe==", "uv==", "pip==", "xlm-pipeline", "-e ", "nvidia-", "triton==")


def main() -> None:
    """Write every pinned distribution but those that are chosen elsewhere."""
    uv = Path(sys.executable).with_name("uv")
    frozen = subprocess.run(
        [uv, "pip", "freeze", "--python", sys.executable],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = [line for line in frozen.split("\n") if not line.lower().startswith(ELSEWHERE)]
    CONSTRAINTS.write_text(HEADER + "\n".join(lines))


if __name__ == "__main__":
    main()
