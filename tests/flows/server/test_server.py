"""Servers for the time of a run."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from flows.server.environment import database_variables, server_answers
from flows.server.process import temporary_server
from tests.listening_sockets import descendants_of, listening_sockets_of
from tests.repository import REPOSITORY
from xlm.errors import ToolError

pytestmark = pytest.mark.slow


def test_two_first_runs_at_once_both_get_a_server(tmp_path: Path) -> None:
    """They set up the same database; one of them failed in its migrations."""

    def serve(_: int) -> bool:
        with temporary_server(tmp_path) as access:
            return server_answers(access.api_url)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(serve, range(2))) == [True, True]


def test_the_server_of_a_run_needs_its_token(tmp_path: Path) -> None:
    home = tmp_path / '50%25 a#b?c=d&e ü:memory:"x"'
    home.mkdir()
    with temporary_server(home) as access:
        sockets = listening_sockets_of(descendants_of(os.getpid()))
        assert access.port in {one.port for one in sockets}
        assert all(one.is_loopback for one in sockets)
        url = f"{access.api_url}/admin/version"
        owner = ("xlm", access.token.removeprefix("xlm:"))
        with httpx.Client(timeout=120) as client:
            assert client.get(url).status_code == 401
            assert client.get(url, auth=owner).status_code == 200
            for foreign in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
                assert client.get(url, auth=owner, headers=foreign).status_code == 403
    assert not [path for path in home.iterdir() if access.token.encode() in path.read_bytes()]
    # Prefect makes a URL of the path: what follows `?` was lost, and `%25` was another file.
    assert list(tmp_path.iterdir()) == [home]
    assert (home / "prefect.db").stat().st_size > 100_000
    assert (home / "prefect.db").stat().st_mode & 0o777 == 0o600


def test_a_database_of_the_user_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "%3F" in database_variables(tmp_path / "?")["PREFECT_SERVER_DATABASE_CONNECTION_URL"]
    assert database_variables(tmp_path / "plain") == {}
    monkeypatch.setenv("PREFECT_API_DATABASE_CONNECTION_URL", "postgresql+asyncpg://host/name")
    assert database_variables(tmp_path / "?") == {}


def test_a_server_that_ends_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "prefect.db").write_bytes(b"no database" * 1000)
    with (
        pytest.raises(ToolError, match=r"the Prefect server exited: .*server\.log") as caught,
        temporary_server(tmp_path),
    ):
        pass
    assert "\n" not in str(caught.value)


_FIND_AS_NOBODY = """
import os, pathlib, sys
from flows.server.access import find_access
os.setgroups([]); os.setgid(65534); os.setuid(65534)
print(find_access(pathlib.Path(sys.argv[1])))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_the_server_of_another_user_is_not_ours(open_path: Path) -> None:
    (open_path / "prefect").mkdir(mode=0o700)
    (open_path / "prefect" / "access.toml").write_text("")
    command = [sys.executable, "-c", _FIND_AS_NOBODY, str(open_path)]
    root = REPOSITORY
    assert subprocess.check_output(command, text=True, cwd=root) == "None\n"
