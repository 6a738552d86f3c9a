"""`xlm ui` and `xlm deploy`: the Prefect server, its worker and the deployments, as processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import typer

from xlm.cli.prefect_environment import api_url, server_answers, unproxied_loopback
from xlm.config.settings import Settings
from xlm.errors import ToolError
from xlm.store.root import resolve_root

WORK_POOL = "xlm-local"
_START_SECONDS = 120.0
_STOP_SECONDS = 15.0
_PREFECT = [sys.executable, "-m", "prefect", "--no-prompt"]


def run_ui(root: str | None, port: int) -> None:
    """Start server, deployments and worker; return after Ctrl-C or SIGTERM, with all stopped.

    Raises:
        ToolError: one of them does not start, or ends by itself.
    """
    environment = _environment(root, api_url(port))
    children: list[subprocess.Popen[bytes]] = []
    # A shell starts a background job with SIGINT ignored: it must stop this one all the same.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        if server_answers(api_url(port)):
            raise ToolError(f"port {port} already has a Prefect server", fix="stop it, or --port")
        server = ["server", "start", "--host", "127.0.0.1", "--port", str(port)]
        children.append(_start(server, environment))
        _wait_for_server(children[0], port)
        _deploy(environment)
        worker = ["worker", "start", "--pool", WORK_POOL, "--type", "process"]
        children.append(_start(worker, environment))
        typer.echo(f"UI http://127.0.0.1:{port}  (Ctrl-C stops server and worker)")
        while all(child.poll() is None for child in children):
            time.sleep(0.5)
        raise ToolError("the server or the worker ended by itself", fix="see the lines above")
    except KeyboardInterrupt:
        typer.echo("stopping")
    finally:
        # The worker first: it tells the server how its runs ended.
        for child in reversed(children):
            _stop(child)


def deploy_all(root: str | None) -> None:
    """Create the work pool if it is absent and register every deployment of prefect.yaml."""
    url = os.environ.get("PREFECT_API_URL") or api_url(4200)
    if not server_answers(url):
        raise ToolError(f"no Prefect server at {url}", fix="start one with `make ui`")
    _deploy(_environment(root, url))


def _environment(root: str | None, url: str) -> dict[str, str]:
    directory = resolve_root(Settings.of_environment(root).root)
    home = Path.cwd()
    if not (home / "prefect.yaml").is_file():
        raise ToolError(f"no prefect.yaml in {home}", fix="run from the project's folder")
    prefect_home = Path(os.environ.get("PREFECT_HOME", directory / "prefect"))
    prefect_home.mkdir(parents=True, exist_ok=True)
    return (os.environ | unproxied_loopback()) | {
        "XLM_ROOT": str(directory),
        "XLM_HOME": str(home),
        "PREFECT_HOME": str(prefect_home),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }


def _deploy(environment: dict[str, str]) -> None:
    pool = ["work-pool", "create", WORK_POOL, "--type", "process", "--overwrite"]
    for arguments in (pool, ["deploy", "--all"]):
        done = subprocess.run(
            [*_PREFECT, *arguments], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ToolError(
                f"prefect {' '.join(arguments)} failed: {(done.stderr or done.stdout)[-500:]}"
            )


def _start(arguments: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C reaches this process only, which then stops them in order.
    return subprocess.Popen([*_PREFECT, *arguments], env=environment, start_new_session=True)


def _wait_for_server(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not server_answers(api_url(port)):
        if server.poll() is not None or time.monotonic() > deadline:
            raise ToolError("the Prefect server did not start", fix="see the lines above")
        time.sleep(0.5)


def _stop(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is not None:
        return
    os.killpg(child.pid, signal.SIGINT)
    try:
        child.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _interrupt(signum: int, frame: object) -> None:
    raise KeyboardInterrupt
