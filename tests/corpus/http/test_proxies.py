"""Proxies of the environment: a real one on the loopback, for servers that only it can reach."""

import base64
import socket
import ssl
import threading
from contextlib import suppress

import pytest

from tests.corpus.http.certificates import write_certificate
from tests.corpus.http.fetching import CONTENT, get, head, sha1_of
from tests.corpus.http.raw_server import raw_server, sends
from xlm.config.data.sources import NetworkConfig
from xlm.config.reading.proxies import proxy_for
from xlm.errors import AccessError

NETWORK = NetworkConfig(attempts=3, timeout_seconds=30)
BASIC = base64.b64encode(b"me:cAnArY").decode()
VARIABLES = [
    name for base in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    for name in (base, base.upper())
]  # fmt: skip


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def proxy(server):
    """Starts a proxy that leads every host to one port; returns its URL and its requests."""
    opened = []

    def start(port=None, password=None):
        requests = []
        port = port or int(server.base_url.rpartition(":")[2])

        def answer(connection, request):
            requests.append(request.decode("latin-1"))
            if password and f"Proxy-Authorization: Basic {password}".encode() not in request:
                connection.sendall(head("407 Proxy Authentication Required", Content_Length=0))
                return
            method, target, _ = request.split(b" ", 2)
            with socket.create_connection(("127.0.0.1", port), timeout=20) as there:
                if method == b"CONNECT":
                    connection.sendall(head("200 Connection established"))
                else:  # in the form http://host/path
                    path = b"/" + target.split(b"/", 3)[3]
                    there.sendall(request.replace(target, path, 1))
                back = threading.Thread(target=_pass_on, args=(there, connection))
                back.start()
                _pass_on(connection, there)
                back.join()

        made = raw_server(answer)
        url = made.__enter__()
        opened.append(made)
        return url, requests

    yield start
    for made in opened:
        made.__exit__(None, None, None)


def _pass_on(source, target):
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_file_and_its_rest_come_through_the_proxy(
    server, new_file, proxy, tmp_path, monkeypatch, variable
):
    url, requests = proxy()
    monkeypatch.setenv(variable, url)
    server.files["/corpus.zip"] = new_file(CONTENT, hangs_up_after=[1000])
    content, _ = get("http://h.example/corpus.zip", tmp_path, NETWORK, digests=sha1_of(CONTENT))
    assert content == CONTENT
    assert server.ranges() == [None, "bytes=1000-"]
    assert [one.split(" ")[1] for one in requests] == ["http://h.example/corpus.zip"] * 2


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "all_proxy"])
def test_https_goes_through_a_tunnel(proxy, tmp_path, monkeypatch, variable):
    certificate = write_certificate(tmp_path, "h.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def answer(connection, request):
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(65536)
            sends(head(Content_Length=len(CONTENT)) + CONTENT)(secure, b"")

    with raw_server(answer, reads=False) as secure_url:
        url, requests = proxy(int(secure_url.rpartition(":")[2]))
        monkeypatch.setenv(variable, url)
        content, _ = get("https://h.example/a", tmp_path, NETWORK, digests=sha1_of(CONTENT))
    assert content == CONTENT
    assert [one.split(" ")[:2] for one in requests] == [["CONNECT", "h.example:443"]]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_requires_a_password_is_an_error_at_once(
    proxy, tmp_path, monkeypatch, scheme, caplog
):
    url, requests = proxy(password=BASIC)
    monkeypatch.setenv(f"{scheme}_proxy", url.replace("://", "://me:wRoNg@"))
    caplog.set_level("DEBUG")
    with pytest.raises(AccessError, match="407 Proxy Authentication Required") as caught:
        get(f"{scheme}://h.example/a", tmp_path, NETWORK)
    assert len(requests) == 1
    assert "put them into HTTPS_PROXY or HTTP_PROXY" in caught.value.fix
    assert "wRoNg" not in str(caught.value) + caplog.text


def test_the_password_of_a_proxy_is_sent_and_not_logged(
    server, new_file, proxy, tmp_path, monkeypatch, caplog
):
    url, requests = proxy(password=BASIC)
    monkeypatch.setenv("HTTP_PROXY", url.replace("://", "://me:cAnArY@"))
    caplog.set_level("DEBUG")
    server.files["/a"] = new_file(CONTENT)
    assert get("http://h.example/a", tmp_path, NETWORK, digests=sha1_of(CONTENT))[0] == CONTENT
    assert len(requests) == 1
    assert "h.example" in caplog.text
    assert "cAnArY" not in caplog.text
    assert BASIC not in caplog.text


def test_a_proxy_that_is_away_is_one_line_without_its_password(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("HTTP_PROXY", "http://me:cAnArY@127.0.0.1:9")
    caplog.set_level("DEBUG")
    once = NetworkConfig(attempts=1, timeout_seconds=30)
    with pytest.raises(Exception, match="refused") as caught:
        get("http://h.example/a", tmp_path, once)
    assert "\n" not in str(caught.value)
    assert "cAnArY" not in str(caught.value) + caplog.text


def test_names_in_no_proxy_are_asked_directly(server, new_file, proxy, tmp_path, monkeypatch):
    url, requests = proxy()
    monkeypatch.setenv("HTTP_PROXY", url)
    monkeypatch.setenv("NO_PROXY", "other.example,127.0.0.1")
    server.files["/a"] = new_file(CONTENT)
    assert get(server.url("/a"), tmp_path, NETWORK, digests=sha1_of(CONTENT))[0] == CONTENT
    assert requests == []


@pytest.mark.parametrize("is_near", [True, False])
def test_a_mirror_goes_through_the_proxy_unless_it_is_on_this_machine(
    server, new_file, proxy, tmp_path, monkeypatch, is_near
):
    url, requests = proxy()
    monkeypatch.setenv("ALL_PROXY", url)
    server.files["/m/h.example/a"] = new_file(CONTENT)
    mirror = server.url("/m") if is_near else "http://mirror.example/m"
    content, _ = get(
        "https://h.example/a", tmp_path, NETWORK, mirror=mirror, digests=sha1_of(CONTENT)
    )
    assert content == CONTENT
    assert len(requests) == (0 if is_near else 1)


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://mirror.example/x", "http://one:1"),
        ("http://mirror.example/x", "http://two:2"),
        ("http://a.near.example:8080", None),
        ("http://port.example:8443", None),
        ("https://port.example", None),
        ("http://port.example", "http://two:2"),
        ("http://[2001:db8::1]:8443", None),
        ("http://[2001:db8::1]:8444", "http://two:2"),
        ("http://localhost:8080", None),
        ("http://[::1]:8080", None),
        ("http://127.9.9.9", None),
    ],
)
def test_the_proxy_of_a_mirror(monkeypatch, url, proxy):
    monkeypatch.setenv("https_proxy", "one:1")
    monkeypatch.setenv("ALL_PROXY", "http://two:2")
    ported = "port.example:8443,port.example:443,[2001:db8::1]:8443"
    monkeypatch.setenv("NO_PROXY", f".near.example,{ported}")
    assert proxy_for(url) == proxy
