"""The commands of a tutorial, and a shell that runs them on a small world."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.repository import REPOSITORY

SHIM = """\
#!{python} -P
import os, sys
words = sys.argv[1:]
if words[0] in ("run", "plan", "config"):
    words += {added!r}
os.execv({xlm!r}, [{xlm!r}, *words])
"""
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SETUP = ("make ", "source ")


def commands_of(page: Path) -> Iterator[str]:
    """The lines of the page's shell blocks, without those that set up the project."""
    for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            command = re.sub(r"\s+#.*", "", line).strip()
            if command and not command.startswith(_SETUP):
                yield command


class TutorialShell:
    """A folder that looks like a checkout with its environment activated.

    `xlm run`, `plan` and `config` get further words: a small profile in place of `sample`, or small
    sizes. All else is as the reader types it.
    """

    def __init__(self, folder: Path, added: Sequence[str], environment: Mapping[str, str]) -> None:
        scripts = folder / "bin"
        scripts.mkdir(parents=True)
        (folder / "examples").symlink_to(REPOSITORY / "examples")
        installed = Path(sys.executable).parent
        shim = scripts / "xlm"
        shim.write_text(
            SHIM.format(python=sys.executable, added=list(added), xlm=str(installed / "xlm"))
        )
        shim.chmod(0o755)
        self._folder = folder
        path = f"{scripts}:{installed}:{environment['PATH']}"
        self._environment = {**environment, "PATH": path}

    def run(self, command: str) -> str:
        """What the command prints; it must succeed."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=500,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout
