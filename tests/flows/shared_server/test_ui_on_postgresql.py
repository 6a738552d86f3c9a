"""`xlm ui` on PostgreSQL: 15 languages at once, and a password that appears nowhere."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.flows.console import environment, processes_of
from tests.flows.shared_server.postgresql import PostgreSQL
from tests.flows.shared_server.prefect_server import until
from tests.flows.ui.ui_process import RunningUi, running_ui
from tests.repository import REPOSITORY
from tests.tutorial import commands_of

FIFTEEN = str(REPOSITORY / "tests" / "flows" / "fifteen.yaml")
PASSWORD = "cAnArY/p@ss:w%rd"
_TASKS = 31
"""make-world, then `download` and `extract-wiki` in 15 languages."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@dataclass(frozen=True)
class OnPostgreSQL:
    """A started `xlm ui` and its database."""

    ui: RunningUi
    database: str
    url: str


@pytest.fixture(scope="module")
def running(
    postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OnPostgreSQL]:
    """One `xlm ui` for all tests of this file; the password is on its command line."""
    url = postgresql.new_database(PASSWORD)
    arguments = ("--database-url", f"{url}?sslmode=prefer")
    with running_ui(tmp_path_factory.mktemp("ui"), arguments, XLM_WORKERS="2") as ui:
        yield OnPostgreSQL(ui, url.rpartition("/")[2], url)


def test_fifteen_languages_at_once_lock_no_database(
    running: OnPostgreSQL, postgresql: PostgreSQL
) -> None:
    ui = running.ui
    command = ("deployment", "run", "xlm/full-pipeline", "-p", f"profile={FIFTEEN}")
    printed = ui.prefect(*command, "-p", "until=extract-wiki", "--watch")
    assert "Completed" in printed
    counts, states = postgresql.execute(
        "select count(distinct name) from task_run",
        "select state_name, count(*) from flow_run group by 1",
        database=running.database,
    )
    assert counts[0][0] == _TASKS
    assert [tuple(row) for row in states] == [("Completed", 1)]
    assert not list(ui.root.rglob("prefect.db*"))
    log = (ui.root / "prefect" / "server.log").read_text().casefold()
    assert "locked" not in log
    assert "traceback" not in log


def test_two_runs_at_once_are_recorded(running: OnPostgreSQL, postgresql: PostgreSQL) -> None:
    """Everything is in the store: 62 task runs come within seconds."""
    ui = running.ui
    known = {run["id"] for run in ui.flow_runs()}
    for _ in range(2):
        ui.prefect(
            *("deployment", "run", "xlm/full-pipeline", "-p", f"profile={FIFTEEN}"),
            *("-p", "until=extract-wiki"),
        )

    def states() -> list[str]:
        return [run["state_name"] for run in ui.flow_runs() if run["id"] not in known]

    until(lambda: states() == ["Completed", "Completed"], "the runs do not end")

    # The server records the states of tasks from events, which come later.
    query = "select count(*) from task_run where state_type = 'COMPLETED'"

    def completed() -> int:
        ((row,),) = postgresql.execute(query, database=running.database)
        return int(row[0])

    until(lambda: completed() >= 3 * _TASKS, "task runs are missing")


def test_the_password_is_nowhere_but_in_the_server(
    running: OnPostgreSQL, postgresql: PostgreSQL
) -> None:
    ui = running.ui
    ui.prefect("deployment", "run", "xlm/make-world", "--watch")
    secrets = [PASSWORD.encode(), quote(PASSWORD, safe="").encode()]
    processes = processes_of(ui.root)
    assert any("flows.server.app" in line for line in processes.values())
    for number, line in processes.items():
        assert not _found(line.encode(), secrets), line
        with_password = _found(_environment(number), secrets)
        # xlm itself started with the password; everything that it starts lacks it.
        its_own = number == ui.process.pid or "flows.server.app" in line
        assert its_own or not with_password, line
    files = [path for path in (*ui.root.rglob("*"), *ui.project.iterdir()) if path.is_file()]
    assert any(path.name == "server.log" for path in files)
    for path in files:
        assert not _found(path.read_bytes(), secrets), path
    status, settings = ui.request("/api/admin/settings", None, **ui.authorization)
    assert status == 200
    assert "postgresql" in str(settings) or "****" in str(settings)
    assert not _found(str(settings).encode(), secrets)
    assert not _found(_dump(postgresql, running.database), secrets)


def test_commands_of_the_page_work_on_that_store(running: OnPostgreSQL) -> None:
    page = REPOSITORY / "docs" / "how-to" / "one-machine-with-8-gpus.md"
    reading = (".venv/bin/xlm status", ".venv/bin/xlm store")
    commands = [line for line in commands_of(page) if line.startswith(reading)]
    assert len(commands) == 3
    for line in commands:
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=REPOSITORY,
            env=environment(running.ui.root),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, line + done.stdout + done.stderr


def test_runs_of_other_machines_are_not_ended(running: OnPostgreSQL) -> None:
    """They have no process here either."""
    ui = running.ui
    deployment = ui.request("/api/deployments/name/xlm/make-world", None, **ui.authorization)[1]
    body = {"state": {"type": "RUNNING"}}
    run = ui.api(f"/deployments/{deployment['id']}/create_flow_run", body)
    ui.api(f"/flow_runs/{run['id']}/set_state", body | {"force": True})
    with running_ui(ui.root.with_name("other"), ("--database-url", running.url)) as other:
        (same,) = [one for one in other.flow_runs() if one["id"] == run["id"]]
        assert same["state_name"] == "Running"
    (same,) = [one for one in ui.flow_runs() if one["id"] == run["id"]]
    assert same["state_name"] == "Running"


def _found(content: bytes, secrets: list[bytes]) -> bool:
    return any(secret in content for secret in secrets)


def _environment(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/environ").read_bytes()
    except OSError:
        return b""


def _dump(postgresql: PostgreSQL, database: str) -> bytes:
    """The whole database as SQL."""
    host, _, port = postgresql.server.partition(":")
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_dump"))
    command = [programs[-1] if programs else "pg_dump", "-h", host, "-p", port, "-U", "postgres"]
    password = (postgresql.folder / "superuser").read_text()
    dumped = subprocess.run(
        [*command, database], env={"PGPASSWORD": password}, capture_output=True, check=True
    ).stdout
    assert b"flow_run" in dumped
    return dumped
