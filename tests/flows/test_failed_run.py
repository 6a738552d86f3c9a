"""A failed run ends at once, and its records are complete."""

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
_LOCKED_SECONDS = 12
"""Longer than the ten seconds that Prefect waits for its database by default."""
_AT_ONCE_SECONDS = 30
"""Prefect's threads try to reach a server that has ended for more than a minute."""


@pytest.mark.slow
def test_a_failed_run_does_not_wait_for_the_server_and_its_last_lines_are_recorded(
    tmp_path: Path,
) -> None:
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


@pytest.mark.slow
def test_a_locked_database_does_not_end_a_run(tmp_path: Path) -> None:
    """The terminal showed "database is locked" with a traceback."""
    small = str(Path(__file__).with_name("small.yaml"))
    process = start(tmp_path, "run", "--profile", small, "--until", "make-world")
    deadline = time.monotonic() + 200
    while not (held := _hold(tmp_path / "prefect" / "prefect.db")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    with closing(held):
        time.sleep(_LOCKED_SECONDS)
        assert process.poll() is None, "the run did not need its database"
        held.execute("ROLLBACK")
    printed, _ = process.communicate(timeout=200)
    assert process.returncode == 0, printed
    assert [line.split("  ")[0] for line in printed.splitlines()][-2:] == [
        "✓ make-world", "1 built",
    ]  # fmt: skip
    assert "locked" not in printed


def _hold(database: Path) -> sqlite3.Connection | None:
    """A connection with an exclusive transaction, once the flow's run is recorded."""
    try:
        connection = sqlite3.connect(
            f"file:{database}?mode=rw", uri=True, timeout=30, isolation_level=None
        )
    except sqlite3.Error:
        return None
    try:
        if connection.execute("SELECT count(*) FROM flow_run").fetchone()[0]:
            connection.execute("BEGIN EXCLUSIVE")
            return connection
    except sqlite3.Error:
        pass  # The server has not set it up yet.
    connection.close()
    return None
