"""Finding Prefect's server on this machine."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from flows.server import environment as prefect_environment
from flows.server.environment import (
    require_server,
    server_answers,
    set_up_home,
    unproxied_loopback,
    use_server,
)
from xlm.errors import ConfigError, ToolError

pytestmark = pytest.mark.usefixtures("restored_environment")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, "127.0.0.1,localhost"),
        ("corp.example, localhost", "corp.example,localhost,127.0.0.1"),
        ("*", "*"),
    ],
)
def test_requests_to_this_machine_use_no_proxy(
    monkeypatch: pytest.MonkeyPatch, given: str | None, kept: str
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    if given is not None:
        monkeypatch.setenv("NO_PROXY", given)
    assert unproxied_loopback() == {"no_proxy": kept, "NO_PROXY": kept}


def test_a_url_without_a_server_is_refused() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/api"
        assert not server_answers(url)
        with pytest.raises(
            ToolError, match=r"no Prefect server at .* unset the variable; runs do not need it"
        ):
            require_server(url)


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "file:///etc/passwd",
        "ftp://127.0.0.1/api",
        "http://",
        "http://[::1/api",
        "http://h:99999/api",
    ],
)
def test_an_invalid_url_is_refused(url: str) -> None:
    with pytest.raises(ToolError, match="PREFECT_API_URL"):
        require_server(url)


class _Answers(BaseHTTPRequestHandler):
    """Answers each path with a status and body that the test has set."""

    replies: ClassVar[dict[str, tuple[int, bytes]]] = {}
    seen: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.seen.append(self.headers.get("Authorization"))
        status, body = self.replies.get(self.path, (404, b"not here"))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Be silent."""


@pytest.fixture
def host() -> Iterator[str]:
    _Answers.replies, _Answers.seen = {}, []
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<!doctype html><title>Prefect</title>"),
        (200, b'{"status": "ok"}'),
        (200, b""),
        (200, b"\xff\xfe"),
        (404, b"{}"),
        (502, b"<html>bad gateway"),
    ],
)
def test_another_server_is_refused(host: str, status: int, body: bytes) -> None:
    _Answers.replies = {"/api/health": (status, body)}
    with pytest.raises(
        ToolError, match=r"PREFECT_API_URL .* is not a Prefect API.*unset"
    ) as caught:
        require_server(f"{host}/api")
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_named(host: str, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    _Answers.replies = {"/api/health": (200, b"true"), "/api/admin/version": (status, b"")}
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "user:wrong")
    with pytest.raises(ToolError, match="correct PREFECT_API_AUTH_STRING") as caught:
        require_server(f"{host}/api")
    assert "wrong" not in str(caught.value)
    assert _Answers.seen[-1] == "Basic dXNlcjp3cm9uZw=="


def test_a_prefect_server_is_accepted_and_a_password_is_not_shown(host: str) -> None:
    _Answers.replies = {"/api/health": (200, b"true"), "/api/admin/version": (200, b'"3.8.8"')}
    require_server(f"{host}/api")
    with pytest.raises(ToolError) as caught:
        require_server(f"{host.replace('//', '//me:secret@')}/api")
    assert "secret" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\nX: y\r\n", b"SSH-2.0-OpenSSH_9\r\n"])
def test_a_server_that_does_not_finish_its_answer_is_refused(
    reply: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that sends headers all the time, which no timeout of the socket ends."""
    monkeypatch.setattr(prefect_environment, "_ANSWER_SECONDS", 1.0)
    over = threading.Event()

    def answer(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(reply)
            while reply and not over.wait(0.2):
                try:
                    connection.sendall(b"X: y\r\n")
                except OSError:
                    return
            over.wait(20)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=answer, args=(listener,), daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api"
        began = time.monotonic()
        with pytest.raises(ToolError, match=r"no Prefect server at .*PREFECT_API_URL"):
            require_server(url)
        assert time.monotonic() - began < 10
        with pytest.raises(ToolError, match="no Prefect server at https"):
            require_server(url.replace("http", "https"))
        over.set()


def test_a_home_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for bad in (file, file / "below", "/proc/prefect"):
        monkeypatch.setenv("PREFECT_HOME", str(bad))
        with pytest.raises(ConfigError, match=f"PREFECT_HOME {bad} cannot be used: .*; set it"):
            set_up_home(tmp_path)
    assert file.read_text() == ""


def test_a_relative_home_is_below_the_folder_where_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREFECT_HOME", "relative")
    assert set_up_home(tmp_path / "root") == tmp_path / "relative"
    assert os.environ["PREFECT_HOME"] == str(tmp_path / "relative")


_READ_AS_NOBODY = """
import os, pathlib, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
for name in sys.argv[1:]:
    try:
        print(pathlib.Path(name).read_text())
    except PermissionError:
        print("refused")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_other_users_can_read_artifacts_but_no_records(
    open_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    os.environ.pop("PREFECT_HOME", None)
    root, artifact = open_path / "root", open_path / "root" / "artifacts" / "text.txt"
    # An earlier version left its records open to all.
    for path in (root / "prefect" / "prefect.db", artifact):
        path.parent.mkdir(parents=True)
        path.write_text("content")
        path.chmod(0o644)
    home = set_up_home(root)
    assert home.stat().st_mode & 0o777 == 0o700
    command = [sys.executable, "-c", _READ_AS_NOBODY, str(home / "prefect.db"), str(artifact)]
    assert subprocess.check_output(command, text=True).split() == ["refused", "content"]


def test_a_folder_of_records_is_private_and_a_folder_of_the_user_is_not_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    os.environ.pop("PREFECT_HOME", None)
    assert set_up_home(tmp_path / "root").stat().st_mode & 0o777 == 0o700
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o775)
    os.environ["PREFECT_HOME"] = str(shared)
    assert set_up_home(tmp_path / "root").stat().st_mode & 0o777 == 0o775


def test_keys_of_another_server_are_not_sent_to_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PREFECT_API_KEY", "PREFECT_API_AUTH_STRING", "PREFECT_PROFILE"):
        monkeypatch.setenv(name, "theirs")
    monkeypatch.setenv("PREFECT_API_URL", "theirs")
    use_server({"PREFECT_API_URL": "ours", "PREFECT_API_AUTH_STRING": "ours"})
    assert os.environ["PREFECT_API_URL"] == os.environ["PREFECT_API_AUTH_STRING"] == "ours"
    assert not {"PREFECT_API_KEY", "PREFECT_PROFILE"} & os.environ.keys()


def test_a_fifo_among_our_records_does_not_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_HOME", raising=False)
    (tmp_path / "prefect").mkdir()
    os.mkfifo(tmp_path / "prefect" / "memo_store.toml")
    monkeypatch.setattr(os, "environ", dict(os.environ))
    assert list(set_up_home(tmp_path).iterdir()) == []
