"""The server of PREFECT_API_URL: whether it is one of Prefect, and that no password is shown."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from flows.server import prefect_api
from flows.server.environment import server_answers
from flows.server.prefect_api import given_api_url, require_server, shown_url
from xlm.errors import ToolError

pytestmark = pytest.mark.usefixtures("restored_environment")


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


@pytest.mark.parametrize("end", ["", "/", "//"])
def test_a_prefect_server_is_accepted_with_a_slash_at_the_end(host: str, end: str) -> None:
    _Answers.replies = {"/api/health": (200, b"true"), "/api/admin/version": (200, b'"3.8.8"')}
    require_server(f"{host}/api{end}")


@pytest.mark.parametrize("given", ["http://h/api/", " http://h/api//\n", "http://h/api"])
def test_prefect_gets_the_url_without_a_slash(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("PREFECT_API_URL", given)
    assert given_api_url() == os.environ["PREFECT_API_URL"] == "http://h/api"
    monkeypatch.setenv("PREFECT_API_URL", " ")
    assert given_api_url() == ""


def test_the_user_of_a_url_is_sent_as_prefect_sends_it(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was taken for a part of the host, and the error showed the password."""
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "other:key")
    _Answers.replies = {"/api/health": (200, b"true"), "/api/admin/version": (200, b'"3.8.8"')}
    require_server(f"{host.replace('//', '//user:wr%6Fng@')}/api")
    assert _Answers.seen[-1] == "Basic dXNlcjp3cm9uZw=="


@pytest.mark.parametrize(
    "password",
    [
        "cAnArY", "cAn/ArY", "12/cAnArY", "cAn@ArY", "cAn@1/ArY", "cAn#ArY", "1#cAnArY", "cAn?ArY",
        "1?cAnArY", "cAn:ArY", "cAn ArY", "cAn /ArY", "cAn%ArY", "cAn[ArY", "cAn://ArY", "cAn\tArY",
        "@cAnArY", "cAnArY@", "/cAnArY", "cAnArY/", "cAn&token=ArY",
    ],
)  # fmt: skip
@pytest.mark.parametrize("scheme", ["http://", "ftp://", ""])
def test_a_password_is_in_no_message(
    password: str, scheme: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"{scheme}me:{password}@127.0.0.1:{unused.getsockname()[1]}/api"
        with pytest.raises(ToolError) as caught:
            require_server(url)
    shown = str(caught.value) + shown_url(url)
    assert "127.0.0.1" in shown
    for part in ("cAn", "ArY"):
        assert part not in shown
    assert "\n" not in shown


@pytest.mark.parametrize("password", ["a/b", "1/b", "a@b", "1@b", "a#b", "1#b", "a?b", "1?b"])
def test_characters_that_need_an_escape_are_named(password: str) -> None:
    with pytest.raises(ToolError, match="write @ as %40, / as %2F"):
        require_server(f"http://me:{password}@127.0.0.1:9/api")


@pytest.mark.slow
@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\nX: y\r\n", b"SSH-2.0-OpenSSH_9\r\n"])
def test_a_server_that_does_not_finish_its_answer_is_refused(
    reply: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that sends headers all the time, which no timeout of the socket ends."""
    monkeypatch.setattr(prefect_api, "_ANSWER_SECONDS", 1.0)
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
