"""Servers for the time of a run."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from flows.server import temporary_server
from tests.listening import descendants_of, doors_of
from xlm.cli.prefect_environment import server_answers
from xlm.errors import ToolError

pytestmark = pytest.mark.slow


def test_two_first_runs_at_once_both_get_a_server(tmp_path: Path) -> None:
    """They set up the same database; one of them failed in its migrations."""

    def serve(_: int) -> bool:
        with temporary_server(tmp_path) as access:
            return server_answers(access.api_url)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(serve, range(2))) == [True, True]


def test_a_server_for_one_run_is_closed_to_all_others(tmp_path: Path) -> None:
    with temporary_server(tmp_path) as access:
        doors = doors_of(descendants_of(os.getpid()))
        assert access.port in {door.port for door in doors}
        assert all(door.is_loopback for door in doors)
        url = f"{access.api_url}/admin/version"
        owner = ("xlm", access.token.removeprefix("xlm:"))
        assert httpx.get(url).status_code == 401
        assert httpx.get(url, auth=owner).status_code == 200
        for foreign in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
            assert httpx.get(url, auth=owner, headers=foreign).status_code == 403
    assert not [path for path in tmp_path.iterdir() if access.token.encode() in path.read_bytes()]


def test_a_server_that_ends_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "prefect.db").write_bytes(b"no database" * 1000)
    with (
        pytest.raises(ToolError, match=r"the Prefect server ended: .*server\.log") as caught,
        temporary_server(tmp_path),
    ):
        pass
    assert "\n" not in str(caught.value)
