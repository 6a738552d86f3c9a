"""`xlm ui`: server, worker and deployments in one command, runs from another terminal."""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from flows.server.guard import SIGN_IN_PATH
from tests.flows.console import digests, processes_of, start, xlm
from tests.flows.ui.ui_process import RunningUi, running_ui
from tests.listening_sockets import SocketWatch
from tests.report.page.test_browser import BROWSERS
from tests.repository import REPOSITORY

SMALL = str(REPOSITORY / "tests" / "flows" / "small.yaml")

_PATIENCE_SECONDS = 60.0
_BROWSER_SECONDS = 300.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUi]:
    """One `xlm ui` for all tests of this file."""
    with running_ui(tmp_path_factory.mktemp("ui")) as running:
        yield running


def _run(ui: RunningUi, name: str, *arguments: str) -> str:
    return ui.prefect(
        *("deployment", "run", f"xlm/{name}", "--watch", "-p", f"profile={SMALL}", *arguments)
    )


def test_deployments_run_from_another_terminal(ui: RunningUi) -> None:
    """Typed in the project's folder, without any variable: URL and token are found."""
    with SocketWatch(lambda: processes_of(ui.root)) as watch:
        missing = _run(ui, "extract-xnli")
        assert "Failed" in missing
        printed = _run(ui, "full-pipeline", "-p", "until=extract-xnli")
    assert "Completed" in printed
    assert any("flows.ui.flow_process" in command for command in watch.seen.values())
    assert len(watch.sockets) >= 1
    assert not watch.open_to_others
    tagged = ui.api("/task_runs/filter", {"task_runs": {"tags": {"all_": ["unit:sw"]}}})
    assert {run["name"] for run in tagged} >= {"extract-xnli[sw]"}
    before = digests(ui.root)
    assert set(before) >= {"extract-xnli[en]", "extract-xnli[sw]", "make-world[all]"}
    again = _run(ui, "extract-xnli", "-p", 'refresh=["extract-xnli"]')
    assert "Completed" in again
    assert digests(ui.root) == before
    checks = sorted((ui.root / "artifacts" / "extract-xnli").glob("*.checks"))
    assert len(checks) == 3
    assert all('"verdict":"identical"' in path.read_text() for path in checks)


def test_a_run_in_a_terminal_is_recorded_there_and_ends_with_its_warnings(ui: RunningUi) -> None:
    count = len(ui.flow_runs())
    long_warmup = ("--set", "pretrain.schedule.warmup_updates=61")
    printed = xlm(ui.root, "run", "--profile", SMALL, "--until", "make-world", *long_warmup)
    run, *before = ui.flow_runs()
    assert len(before) == count
    warning = "warning: pretrain.schedule.warmup_updates 61 is more than pretrain.updates 60: "
    first, *_, last = printed.splitlines()
    assert first.startswith(f"xlm: {warning}")
    assert last.startswith(f"! {warning}")
    message = run["state"]["message"]
    assert re.match(r"(1 built, 0|0 built, 1) cached in \d+ s; warning: ", message)
    assert message.endswith(first.removeprefix("xlm: "))


def test_a_killed_run_of_a_terminal_ends_as_crashed(ui: RunningUi) -> None:
    """Nothing else would end it: it stayed "Running" forever."""
    known = {run["id"] for run in ui.flow_runs()}
    process = start(ui.root, "run", "--profile", SMALL)

    def state() -> dict[str, Any]:
        runs = [run for run in ui.flow_runs() if run["id"] not in known]
        return dict(runs[0]["state"]) if runs else {"name": "absent"}

    _until(lambda: state()["name"] == "Running")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    _until(lambda: state()["name"] != "Running")
    assert state()["name"] == "Crashed"
    assert "process has ended" in state()["message"]
    alive = start(ui.root, "run", "--profile", SMALL, "--until", "make-world")
    alive.communicate(timeout=300)
    assert state()["name"] == "Completed"
    run = ui.flow_runs()[0]
    assert len([tag for tag in run["tags"] if tag.startswith("process-")]) == 1
    tasks = ui.api("/task_runs/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}})
    assert [task["tags"] for task in tasks] == [["stage:make-world"]]


def test_only_the_owner_can_read_the_token(ui: RunningUi) -> None:
    for path in (ui.root / "prefect" / "access.toml", ui.project / "prefect.toml"):
        assert ui.token in path.read_text()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for number in processes_of(ui.root):
        assert ui.token.encode() not in Path(f"/proc/{number}/cmdline").read_bytes()


@pytest.mark.parametrize("authorization", [None, "Basic eGxtOg==", "Bearer x", "Basic"])
def test_nobody_else_can_use_the_api(ui: RunningUi, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    assert ui.request("/api/flow_runs/filter", {}, **headers)[0] == 401
    assert ui.get("/api/admin/settings", **headers) == 401
    assert ui.get("/api/health") == 200


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "https://127.0.0.1",
        "http://127.0.0.1:1",
        "http://127.0.0.1.evil.example",
        "null",
    ],
)
def test_a_foreign_page_gets_nothing(ui: RunningUi, origin: str) -> None:
    """The browser first requests permission, except for simple requests."""
    asks = {"Origin": origin, "Access_Control_Request_Method": "POST"}
    status, _ = ui.request("/api/flow_runs/filter", None, "OPTIONS", **asks)
    assert status == 403
    for headers in ({"Origin": origin}, {"Origin": origin} | ui.authorization):
        assert ui.request("/api/flow_runs/filter", {}, **headers)[0] == 403
    with pytest.raises(InvalidStatus, match="403"):
        connect(_socket(ui, "/api/events/out"), origin=origin, subprotocols=["prefect"])


def test_pages_of_the_ui_are_allowed(ui: RunningUi) -> None:
    port = ui.url.rsplit(":", 1)[1]
    for name in ("127.0.0.1", "localhost"):
        asks = {"Origin": f"http://{name}:{port}", "Access_Control_Request_Method": "POST"}
        assert ui.request("/api/flow_runs/filter", None, "OPTIONS", **asks)[0] == 200
        headers = {"Origin": f"http://{name}:{port}", "Host": f"{name}:{port}"}
        assert ui.request("/api/flow_runs/filter", {}, **headers | ui.authorization)[0] == 200
    assert ui.get("/", Accept="text/html") == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:4200", "127.0.0.1.evil.example", "0.0.0.0", "", "[::1"]
)
def test_a_name_that_points_here_is_refused(ui: RunningUi, host: str) -> None:
    """A foreign page can let its own name point at 127.0.0.1: then nothing is foreign to it."""
    for path in ("/", "/api/health", "/api/admin/version", "/sign-in", "/ui-settings"):
        assert ui.get(path, Host=host, **ui.authorization) in (400, 403)


@pytest.mark.parametrize("path", ["/api/events/in", "/api/events/out", "/api/logs/out"])
@pytest.mark.parametrize("token", [None, "", "xlm:wrong"])
def test_subscriptions_need_the_token(ui: RunningUi, path: str, token: str | None) -> None:
    with pytest.raises((InvalidStatus, ConnectionClosed)):
        _subscribe(ui, path, token)


def test_subscriptions_without_prefect_s_protocol_are_refused(ui: RunningUi) -> None:
    with (
        pytest.raises((InvalidStatus, ConnectionClosed)),
        connect(_socket(ui, "/api/events/out")) as one,
    ):
        one.recv(timeout=10)


def test_the_owner_can_subscribe(ui: RunningUi) -> None:
    assert "auth_success" in _subscribe(ui, "/api/logs/out", ui.token)


@pytest.mark.parametrize(
    "variables",
    [
        {"command": "touch pwned"},
        {"env": {"LD_PRELOAD": "/tmp/x.so"}},
        {"working_dir": "/tmp"},
        {"image": "x"},
    ],
)
def test_a_run_cannot_choose_what_the_worker_starts(
    ui: RunningUi, variables: dict[str, object]
) -> None:
    deployment = ui.request("/api/deployments/name/xlm/make-world", None, **ui.authorization)[1]
    path = f"/api/deployments/{deployment['id']}/create_flow_run"
    status, answer = ui.request(path, {"job_variables": variables}, **ui.authorization)
    assert status in (409, 422), answer
    assert "not allowed" in str(answer)
    pool = ui.request("/api/work_pools/xlm-local", None, **ui.authorization)[1]
    template = pool["base_job_template"]
    assert template["variables"]["properties"] == {}
    assert "{{" not in str(template["job_configuration"])


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _socket(ui: RunningUi, path: str) -> str:
    return f"ws{ui.url.removeprefix('http')}{path}"


def _subscribe(ui: RunningUi, path: str, token: str | None) -> str:
    with connect(_socket(ui, path), subprotocols=["prefect"]) as one:
        message = {"type": "auth"} | ({} if token is None else {"token": token})
        one.send(json.dumps(message))
        return str(one.recv(timeout=30))


def test_the_link_of_a_report_opens_it(ui: RunningUi, tmp_path: Path) -> None:
    """In Chromium, signed in as `xlm ui` says; the page of the report cannot read the token."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"no browser is installed: {', '.join(BROWSERS)}")

    def page(path: str) -> str:
        command = [
            browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=10000",
            "--dump-dom", urljoin(ui.url, path),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
        return done.stdout

    name, report = "000099-20261128T174900000000.html", "<!doctype html><title>Run 99</title>"
    (ui.root / "runs").mkdir(exist_ok=True)
    (ui.root / "runs" / name).write_text(report)
    card = {"key": "report", "type": "markdown", "data": f"[Open the report](reports/{name})"}
    artifact = f"/artifacts/artifact/{ui.api('/artifacts/', card)['id']}"
    page(f"{SIGN_IN_PATH}#{ui.token}")

    def found_in(path: str, pattern: str) -> Any:
        """What a page has when its script got its data: a busy machine may need several tries."""
        deadline = time.monotonic() + _BROWSER_SECONDS
        while not (found := re.findall(pattern, page(path))):
            assert time.monotonic() < deadline, pattern
        return found[0]

    link = found_in(artifact, r'<a[^>]* href="([^"]*reports/[^"]*)"')
    frame = r'<iframe sandbox="([^"]*)" srcdoc="([^"]*)"'
    sandbox, shown = found_in(urljoin(artifact, link), frame)
    assert unescape(shown) == report
    assert "allow-scripts" in sandbox
    assert "allow-same-origin" not in sandbox
