"""Resolve the versions that the set-up installs, for all supported Pythons: `make lock`.

Pins that still fit stay. `make lock UPGRADE=1` takes the newest versions. The result is a
constraints file, because pip and uv both read one, with any index, with a mirror and offline. A
uv.lock names one URL for each file, so it would exclude a mirror and another index for torch.
"""

import subprocess
import sys
from pathlib import Path

from bootstrap import BUILD_TOOLS, EXTRAS

LOCK = Path(__file__).with_name("constraints.txt")
PROJECT = LOCK.parent.parent / "pyproject.toml"
HEADER = """\
# The versions that the set-up installs; `make lock` writes this file from pyproject.toml.
# infra/bootstrap.py pins torch and fastBPE, because it has to know how to install them.
"""
PINNED_ELSEWHERE = ("torch", "fastbpe", "nvidia-", "cuda-", "triton")


def main(arguments: list[str]) -> None:
    """Resolve, then leave out what is pinned elsewhere."""
    subprocess.run(
        [
            Path(sys.executable).with_name("uv"), "pip", "compile", str(PROJECT), "-", "--quiet",
            *(word for extra in EXTRAS for word in ("--extra", extra)),
            "--universal", "--python-version", "3.11", "--no-header", "--no-annotate",
            "--output-file", str(LOCK), *arguments,
        ],
        input="\n".join(BUILD_TOOLS), text=True, check=True,
    )  # fmt: skip
    lines = LOCK.read_text().splitlines(keepends=True)
    LOCK.write_text(HEADER + "".join(x for x in lines if not x.startswith(PINNED_ELSEWHERE)))


if __name__ == "__main__":
    main(sys.argv[1:])
