"""What `xlm worker` refuses, each in one line that says what to do."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.flows.console import start
from xlm.errors import ToolError


@pytest.mark.parametrize(
    ("server", "error"),
    [
        ("3.8.7", "the server runs Prefect 3.8.7, and this worker has 3.8.8"),
        ("2.20.1", "the server runs Prefect 2.20.1"),
        ("4.0.0", "the server runs Prefect 4.0.0"),
        ("<html>", "the server has the version '<html>', which is not one of Prefect"),
    ],
)
def test_a_server_of_another_version_is_refused(server: str, error: str) -> None:
    from flows.worker.checks import version_warnings

    with pytest.raises(ToolError) as caught:
        version_warnings(server)
    assert str(caught.value).startswith(error)


def test_a_newer_server_is_accepted() -> None:
    from flows.worker.checks import version_warnings

    assert version_warnings("3.8.8") == version_warnings("3.8.20") == []
    assert "which was not tried with 3.8.8" in version_warnings("3.10.0")[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({}, "xlm: PREFECT_API_URL is not set, so the worker has no server; set it to "),
        ({"PREFECT_API_URL": "host:4200"}, "xlm: PREFECT_API_URL 'host:4200' is not a URL; write"),
        (
            {"PREFECT_API_URL": "http://me:cAnArY@127.0.0.1:1/api"},
            "xlm: no Prefect server at http://127.0.0.1:1/api (PREFECT_API_URL): ",
        ),
    ],
)
def test_a_worker_without_a_server_is_one_line(
    tmp_path: Path, variables: dict[str, str], line: str
) -> None:
    process = start(tmp_path, "worker", cwd=tmp_path, **variables)
    printed, _ = process.communicate(timeout=100)
    assert process.returncode == 1
    assert printed.startswith(line)
    assert len(printed.splitlines()) == 1
    assert "cAnArY" not in printed
    assert "runs do not need it" not in printed


@pytest.fixture
def client(prefect_server: None) -> Iterator[Any]:
    """A client of the test server, which has no work pool before and after."""
    from prefect.client.orchestration import get_client

    from flows.worker.process import WORK_POOL

    with get_client(sync_client=True) as one:
        yield one
        one.delete_work_pool(WORK_POOL)


def test_a_work_pool_must_be_ours(client: Any) -> None:
    from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate

    from flows.ui.deploy import job_template
    from flows.worker.checks import require_deployed
    from flows.worker.process import WORK_POOL

    url = os.environ.get("PREFECT_API_URL", "http://127.0.0.1/api")

    def error() -> str:
        with pytest.raises(ToolError) as caught:
            require_deployed(url)
        return str(caught.value)

    assert error().startswith("the server has no work pool 'xlm-local'; run `xlm deploy`")
    client.create_work_pool(WorkPoolCreate(name=WORK_POOL, type="docker"))
    assert "has the type 'docker', not 'process'" in error()
    client.delete_work_pool(WORK_POOL)
    template = job_template()
    template["job_configuration"] = template["job_configuration"] | {"command": "another"}
    client.create_work_pool(
        WorkPoolCreate(name=WORK_POOL, type="process", base_job_template=template)
    )
    assert "was registered by another version of xlm; run `xlm deploy`" in error()
    client.update_work_pool(WORK_POOL, WorkPoolUpdate(base_job_template=job_template()))
    assert error().startswith("the server has no deployment xlm/full-pipeline; run `xlm deploy`")
