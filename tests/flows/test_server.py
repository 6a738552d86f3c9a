"""Servers for the time of a run."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flows.server import temporary_server
from xlm.cli.prefect_environment import server_answers
from xlm.errors import ToolError

pytestmark = pytest.mark.slow


def test_two_first_runs_at_once_both_get_a_server(tmp_path: Path) -> None:
    """They set up the same database; one of them failed in its migrations."""

    def serve(_: int) -> bool:
        with temporary_server(tmp_path) as url:
            return server_answers(url)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(serve, range(2))) == [True, True]


def test_a_server_that_ends_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "prefect.db").write_bytes(b"no database" * 1000)
    with (
        pytest.raises(ToolError, match=r"the Prefect server ended: .*server\.log") as caught,
        temporary_server(tmp_path),
    ):
        pass
    assert "\n" not in str(caught.value)
