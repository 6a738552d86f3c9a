"""A stand-in for sbatch, squeue, scontrol and the others, which answers as the test says.

`install_commands(folder)` makes the commands; each logs its arguments, and answers with the
first entry of its list in `answers.json`, of which the last one stays.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

COMMANDS = ("sbatch", "squeue", "scontrol", "sacct", "scancel", "sinfo", "sacctmgr", "srun")
NO_ACCOUNTING = {"status": 1, "errors": "Slurm accounting storage is disabled"}


class FakeSlurm:
    """The commands in a folder, their answers, and what they were asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        # Without packages, Python starts in half the time.
        program = f"exec {sys.executable} -I -S {__file__}"
        self._answers: dict[str, list[dict[str, Any]]] = {}
        for name in COMMANDS:
            path = folder / name
            path.write_text(f'#!/bin/sh\n{program} {name} {folder} "$@"\n')
            path.chmod(0o755)
            self.answers(name, {"output": ""})
        self.answers("sacct", NO_ACCOUNTING)

    def answers(self, command: str, *answers: dict[str, Any]) -> None:
        """Let a command print `output` and `errors`, end with `status`, after `seconds`."""
        self._answers[command] = list(answers)
        (self._folder / "answers.json").write_text(json.dumps(self._answers), encoding="utf-8")
        (self._folder / f"{command}.count").unlink(missing_ok=True)

    def asked(self, command: str) -> list[dict[str, Any]]:
        """Arguments and environment of each call."""
        log = self._folder / f"{command}.log"
        if not log.exists():
            return []
        return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def main(name: str, folder: Path, arguments: list[str]) -> int:
    """Answer one call."""
    with (folder / f"{name}.log").open("a", encoding="utf-8") as log:
        log.write(json.dumps({"arguments": arguments, "environment": dict(os.environ)}) + "\n")
    answers = json.loads((folder / "answers.json").read_text(encoding="utf-8"))[name]
    count = folder / f"{name}.count"
    number = int(count.read_text()) if count.exists() else 0
    count.write_text(str(number + 1))
    answer = answers[min(number, len(answers) - 1)]
    time.sleep(answer.get("seconds", 0))
    sys.stdout.buffer.write(answer.get("output", "").encode("latin-1"))
    sys.stderr.write(answer.get("errors", ""))
    return int(answer.get("status", 0))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:]))
