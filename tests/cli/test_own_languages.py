"""The tutorial on own languages: each of its commands, as the reader types it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.mirror_of_downloads import sentence, write_mirror_of
from tests.cli.test_init import SMALL
from tests.repository import REPOSITORY
from tests.tutorial import TutorialShell, commands_of

PAGE = REPOSITORY / "docs" / "tutorials" / "own-languages.md"


@pytest.mark.slow
def test_the_commands_of_the_tutorial_work(tmp_path: Path) -> None:
    """A made mirror replaces the network, and the model is small."""
    mirror = tmp_path / "network"
    # `my.yaml` has the sources; the shell sets them for `own.yaml` too, which downloads nothing.
    settings = (f"sources.mirror={mirror}", *SMALL, "finetune.updates=8")
    added = [word for setting in settings for word in ("--set", setting)]
    environment = os.environ | {"XLM_ROOT": str(tmp_path / "data"), "XLM_WORKERS": "1"}
    shell = TutorialShell(tmp_path, added, environment)
    _write_own_files(tmp_path / "data")
    printed = {}
    for command in commands_of(PAGE):
        if command.startswith("xlm sources lock"):
            command += f" --set sources.mirror={mirror}"
        printed[command] = shell.run(command)
        if command.startswith("xlm init --languages"):
            _write_network(tmp_path, mirror)
    assert "✓ publish" in printed["xlm run --profile my.yaml"]
    assert "wikimedia.en-yo" in printed["xlm sources ls --profile my.yaml"]
    assert "extract-text[yo]" in printed["xlm plan --profile own.yaml"]
    assert "wikipedia.yo:" in (tmp_path / "my.lock.yaml").read_text()


def _write_network(folder: Path, mirror: Path) -> None:
    listing = subprocess.run(
        [Path(sys.executable).with_name("xlm"), "sources", "ls", "-p", "my.yaml", "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    write_mirror_of(listing, mirror)


def _write_own_files(data: Path) -> None:
    data.mkdir()
    lines = [sentence("en", number) for number in range(300)]
    (data / "en.txt").write_text("".join(f"{line}\n" for line in lines))
    rows = [json.dumps({"id": n, "text": sentence("yo", n)}) for n in range(300)]
    (data / "yo.jsonl").write_text("".join(f"{row}\n" for row in rows))
    pairs = [f"{sentence('en', n)}\t{sentence('yo', n)}\n" for n in range(200)]
    (data / "en-yo.tsv").write_text("".join(pairs))
