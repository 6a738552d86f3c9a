"""Reports of runs in the browser: who gets which file."""

import asyncio
import os
from base64 import b64encode
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.server.guard import ServerGuard
from flows.server.reports import Reports

NAME = "000012-20261128T174900000000.html"
PAGE = "<!doctype html><title>Run 12</title>"
TOKEN = "xlm:secret"


def _basic(token: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(token.encode()).decode()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    runs = tmp_path / "data" / "runs"
    runs.mkdir(parents=True)
    (runs / NAME).write_text(PAGE)
    (runs / NAME.replace(".html", ".json")).write_text("{}")
    (tmp_path / "data" / "private.html").write_text("private")
    return runs


def _get(folder: Path, path: str, *, method: str = "GET", **headers: str) -> httpx.Response:
    async def prefect(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b"Prefect's answer"})

    async def request() -> httpx.Response:
        transport = httpx.ASGITransport(ServerGuard(prefect, Reports(folder, TOKEN)))
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.request(method, f"http://127.0.0.1:4200{path}", headers=headers)

    return asyncio.run(request())


@pytest.mark.parametrize("before", ["", "/artifacts/artifact", "/runs/flow-run"])
def test_the_owner_gets_the_report_in_a_sandbox(folder: Path, before: str) -> None:
    reply = _get(folder, f"{before}/reports/{NAME}", **_basic(TOKEN))
    assert (reply.status_code, reply.text) == (200, PAGE)
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in policy
    assert reply.headers["cache-control"] == "no-store"


def test_nobody_else_gets_it(folder: Path) -> None:
    """A browser sends no token with a link: its page has nothing of the report."""
    page = _get(folder, f"/reports/{NAME}")
    assert page.status_code == 200
    assert "Sign in first" in page.text
    assert "Run 12" not in page.text
    assert page.text == _get(folder, f"/reports/{NAME.replace('12', '13')}").text
    assert _get(folder, f"/reports/{NAME}", **_basic("xlm:guess")).status_code == 401
    foreign = {"Origin": "http://evil.example", **_basic(TOKEN)}
    assert _get(folder, f"/reports/{NAME}", **foreign).status_code == 403


def test_a_link_or_a_pipe_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (folder / NAME).unlink()
    (folder / NAME).symlink_to(tmp_path / "data" / "private.html")
    os.mkfifo(folder / NAME.replace("12", "13"))
    for name in (NAME, NAME.replace("12", "13"), NAME.replace("12", "14")):
        reply = _get(folder, f"/reports/{name}", **_basic(TOKEN))
        assert (reply.status_code, "private" in reply.text) == (404, False)
        assert "no such report" in reply.text


@pytest.mark.parametrize(
    "path",
    [
        "/reports/../private.html",
        "/reports/..%2Fprivate.html",
        "/reports/%2e%2e/private.html",
        f"/reports/{NAME.replace('.html', '.json')}",
        f"/reports/{NAME}/",
        f"/reports/x{NAME}",
        f"/reports/{NAME}%0A",
        "/reports/",
        f"/{NAME}",
    ],
)
def test_other_paths_go_to_prefect(folder: Path, path: str) -> None:
    assert _get(folder, path, **_basic(TOKEN)).text == "Prefect's answer"


def test_other_methods_go_to_prefect(folder: Path) -> None:
    reply = _get(folder, f"/reports/{NAME}", method="POST", **_basic(TOKEN))
    assert reply.text == "Prefect's answer"
