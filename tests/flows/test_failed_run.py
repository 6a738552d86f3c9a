"""A run that fails ends at once, and its records say all of it."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.flows.console import start

PROFILE = """
languages: [en, sw]
sources: {mirror: MIRROR, network: {attempts: 1}}
"""
_AT_ONCE_SECONDS = 30
"""Prefect's threads try for more than a minute to reach a server that has ended."""


@pytest.mark.slow
def test_a_failed_run_waits_for_no_server_and_its_last_lines_are_recorded(tmp_path: Path) -> None:
    profile = tmp_path / "mine.yaml"
    (tmp_path / "mirror").mkdir()
    profile.write_text(PROFILE.replace("MIRROR", str(tmp_path / "mirror")))
    root = tmp_path / "root"
    process = start(root, "run", "--profile", str(profile), "--only", "download")
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if line.startswith("xlm: download["):
            break
    named = time.monotonic()
    process.communicate(timeout=300)
    assert process.returncode == 1, printed
    assert time.monotonic() - named < _AT_ONCE_SECONDS
    with closing(sqlite3.connect(root / "prefect" / "prefect.db")) as database:
        lines = [row[0] for row in database.execute("SELECT message FROM log")]
    assert any("Finished in state Failed('Flow run" in line for line in lines), lines
