"""Credentials are sent only to the server that they belong to."""

import base64

import pytest

from tests.corpus.http.raw_server import raw_server
from xlm.config.data.sources import NetworkConfig
from xlm.config.reading.secrets import take_secrets
from xlm.corpus.http.client import open_client
from xlm.corpus.http.download.fetcher import Fetcher
from xlm.errors import SourceError


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch, tmp_path):
    monkeypatch.setenv("XLM_CREDENTIALS", "")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("")


NETWORK = NetworkConfig(attempts=1, timeout_seconds=10, redirect_hosts=("localhost",))
BASIC = f"Basic {base64.b64encode(b'me:p@w').decode()}"


def _text(url, mirror=None):
    with open_client(mirror, NETWORK) as client:
        return Fetcher(client, NETWORK).text(url)


def test_user_and_password_of_a_url_are_sent(server, new_file):
    server.files["/a"] = new_file(b"yes")
    url = take_secrets(server.url("/a").replace("://", "://me:p%40w@"))
    assert "me" not in url
    assert _text(url) == "yes"
    assert server.requests[0][1]["authorization"] == BASIC


def test_credentials_of_a_mirror_are_sent_to_the_mirror(server, new_file):
    server.files["/x/host.example/a"] = new_file(b"yes")
    mirror = take_secrets(server.url("/x").replace("://", "://me:p%40w@"))
    assert _text("https://host.example/a", mirror) == "yes"
    assert server.requests[0][1]["authorization"] == BASIC


def test_credentials_of_netrc_are_sent(server, new_file, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password p@w\n")
    server.files["/a"] = new_file(b"yes")
    assert _text(server.url("/a")) == "yes"
    assert server.requests[0][1]["authorization"] == BASIC


def test_secret_parameters_are_sent_and_not_logged(server, new_file, caplog):
    server.files["/a?x=1&token=abc"] = new_file(b"yes")
    url = take_secrets(server.url("/a?x=1&token=abc"))
    caplog.set_level("INFO")
    assert _text(url) == "yes"
    assert url.endswith("/a?x=1")
    assert "GET" in caplog.text
    assert "abc" not in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("base", ["/x", "/x/", "", "/"])
def test_a_mirrors_secret_parameters_go_with_each_of_its_files(server, new_file, base):
    parent = base.rstrip("/")
    server.files[f"{parent}/host.example/a?token=abc"] = new_file(b"yes")
    server.files[f"{parent}/host.example/a?n=1&token=abc"] = new_file(b"one")
    mirror = take_secrets(server.url(f"{base}?token=abc"))
    assert mirror == server.url(base)
    assert _text("https://host.example/a", mirror) == "yes"
    assert _text("https://host.example/a?n=1", mirror) == "one"


def test_a_redirect_to_another_server_carries_no_credentials(server, new_file):
    server.files["/b"] = new_file(b"yes")
    other = server.url("/b").replace("127.0.0.1", "localhost").replace("://", "://eve:x@")

    def answer(connection, request):
        assert BASIC.encode() in request
        connection.sendall(f"HTTP/1.1 302 F\r\nLocation: {other}\r\n\r\n".encode())

    with raw_server(answer) as url:
        requested = take_secrets(f"{url}/a?token=abc".replace("://", "://me:p%40w@"))
        assert _text(requested) == "yes"
    path, headers = server.requests[0]
    assert path == "/b"
    assert "authorization" not in headers
    assert "referer" not in headers


def test_a_refusal_names_where_credentials_come_from(server, new_file):
    server.files["/a"] = new_file(b"", answers=[(401, {})])
    with pytest.raises(SourceError, match=r"XLM_CREDENTIALS or ~/\.netrc"):
        _text(server.url("/a"))


def test_a_mirror_with_parameters_or_no_url_is_one_line():
    for mirror in ("https://h/x?sv=1", "https://h:port/"):
        with pytest.raises(Exception, match=r"^sources\.mirror"):
            open_client(mirror, NETWORK)
