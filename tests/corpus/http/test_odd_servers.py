"""Servers that redirect, stall, or send invalid answers."""

import ssl
from contextlib import suppress

import pytest

from tests.corpus.http.certificates import write_certificate
from tests.corpus.http.fetching import IMPATIENT, ONCE, TEXT, assert_refused, get, head, sha1_of
from tests.corpus.http.raw_server import raw_server, sends, trickles
from xlm.config.data.sources import NetworkConfig
from xlm.corpus.http.client import open_client
from xlm.corpus.http.download.fetcher import Fetcher
from xlm.errors import SourceError, StoreError, XlmError

# Redirects.


def test_a_redirect_to_another_server_is_followed_only_if_configured(server, new_file, tmp_path):
    server.files["/corpus.txt"] = new_file(TEXT)
    location = server.url("/corpus.txt")
    with raw_server(sends(head("302 Found", Location=location, Content_Length=0))) as url:
        other = url.replace("127.0.0.1", "localhost")
        error = assert_refused(f"{other}/old.txt", tmp_path, f"to another server, {location}")
        assert "sources.network.redirect_hosts=[127.0.0.1]" in error.fix
        assert server.requests == []
        network = ONCE.model_copy(update={"redirect_hosts": ("127.0.0.1",)})
        content, fetched = get(f"{other}/old.txt", tmp_path, network)
    assert content == TEXT
    assert fetched.redirected_to == location


@pytest.mark.slow
@pytest.mark.parametrize(
    "location",
    [
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "//",
        "http://[",
        "http://:99999999/",
        "javascript:0",
        "http://xn--a/",
    ],
)
def test_a_redirect_to_no_web_url_is_one_line(tmp_path, location):
    with raw_server(sends(head("301 Gone", Location=location, Content_Length=0))) as url:
        assert_refused(f"{url}/a.txt", tmp_path, "redirect.* to|check the URL")


def test_redirects_without_end_are_one_line(tmp_path):
    with raw_server(sends(head("302 Found", Location="/again", Content_Length=0))) as url:
        assert_refused(f"{url}/a.txt", tmp_path, "more than 10 redirects")


# A server that stalls.


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\nX: ", b"a"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 ", b""),
        (head(Transfer_Encoding="chunked") + b"5;", b"a"),
        (head(Transfer_Encoding="chunked") + b"1\r\na\r\n0\r\nX: ", b"a"),
        (head(Content_Length=10**9), b"a"),
        (head(), b"a"),
    ],
    ids=["header", "continue", "silence", "chunk-size", "trailer", "body", "endless-body"],
)
@pytest.mark.parametrize("text", [False, True])
def test_a_stalled_transfer_ends(tmp_path, first, piece, text):
    with raw_server(trickles(first, piece)) as url:
        if not text:
            assert_refused(f"{url}/a.txt", tmp_path, "no data arrived|only|ReadTimeout", IMPATIENT)
            return
        with (
            open_client(None, IMPATIENT) as client,
            pytest.raises(SourceError, match=r"no data arrived|only|ReadTimeout"),
        ):
            Fetcher(client, IMPATIENT, lambda seconds: None).text(f"{url}/dumpstatus.json")


def test_an_endless_body_is_refused_at_the_limit(tmp_path):
    network = NetworkConfig(attempts=1, timeout_seconds=20, largest_unsized_bytes=5_000_000)
    with raw_server(trickles(head(), TEXT * 20, 0)) as url:
        assert_refused(f"{url}/a.txt", tmp_path, ", but the limit is 5,000,000", network)
    assert not (tmp_path / "part").exists()


def test_an_endless_body_stops_before_the_disk_is_full(tmp_path, monkeypatch):
    from xlm.corpus.http.download import disk_space, transfer

    monkeypatch.setattr(transfer, "CHECK_EVERY_BYTES", 1 << 20)
    calls = []

    def usage(path):
        calls.append(path)
        return type("Usage", (), {"free": (200 << 20) // len(calls)})

    monkeypatch.setattr(disk_space.shutil, "disk_usage", usage)
    network = NetworkConfig(attempts=1, timeout_seconds=20)
    with (
        raw_server(trickles(head(), TEXT * 20, 0)) as url,
        pytest.raises(StoreError, match="bytes of a file of unknown size"),
    ):
        get(f"{url}/a.txt", tmp_path, network)
    assert not (tmp_path / "part").exists()


def test_a_file_much_larger_than_expected_is_refused(server, new_file, tmp_path):
    server.files["/a.zip"] = new_file(TEXT)
    assert_refused(server.url("/a.zip"), tmp_path, "the limit is 1,000", max_bytes=1000)


@pytest.mark.slow
@pytest.mark.parametrize(
    "header", ["²", "-5", "9" * 5000, "٣", "1e9", "", "Sun, 99 Nov 99999 99:99:99 GMT",
              "Sun, 01 Nov 2026 00:00:00 +9999999999", ",,,", "\x85"],
)  # fmt: skip
def test_an_odd_retry_after_is_no_traceback(tmp_path, header):
    busy = head("503 Busy", Content_Length=0).replace(
        b"\r\n\r\n", b"\r\nRetry-After: " + header.encode() + b"\r\n\r\n"
    )
    with raw_server(sends(busy)) as url:
        assert_refused(f"{url}/a.txt", tmp_path, "503 Busy|RemoteProtocolError")


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        b"Content-Length: " + "²".encode(),
        b"Content-Length: " + b"9" * 5000,
        b"Content-Length: -1",
        b"Content-Length: 5\r\nContent-Length: 7",
        b"Content-Length: 5, 5",
        b"Content-Length: 5,",
        b"Content-Length: +5",
        b"Content-Length: 0x5",
        b"Content-Length:",
        b"Content-Length: 1e3",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"ETag: " + "ü".encode() * 300,
        b"Content-Encoding: \xff",
        b"Transfer-Encoding: gzip",
        b"Content-Range: bytes 0-" + b"9" * 5000 + b"/" + b"9" * 5000,
    ],
)
@pytest.mark.parametrize("status", [b"200 OK", b"206 Partial Content", b"416 No"])
def test_odd_headers_are_no_traceback(tmp_path, line, status):
    answer = b"HTTP/1.1 " + status + b"\r\n" + line + b"\r\n\r\n" + TEXT
    for number, options in enumerate(({}, {"head_bytes": 100})):
        content, message = b"", ""
        with raw_server(sends(answer)) as url:
            try:
                content, _ = get(f"{url}/a.txt", tmp_path / str(number), **options)
            except XlmError as error:
                message = str(error)
        assert TEXT.startswith(content)
        assert "\n" not in message
        assert (tmp_path / str(number) / "out").exists() == (message == "")


def test_an_etag_that_cannot_be_sent_back_is_not_used(tmp_path):
    """The transfer breaks, and the next attempt would quote the ETag in If-Range."""
    start = b'HTTP/1.1 200 OK\r\nETag: "\xfc"\r\nContent-Length: 99999\r\n\r\n'
    network = NetworkConfig(attempts=3, timeout_seconds=5)
    with raw_server(sends(start + TEXT)) as url:
        assert_refused(f"{url}/a.bin", tmp_path, r"3 attempts", network, digests=sha1_of(TEXT))


@pytest.mark.parametrize(
    ("status", "fix"),
    [
        ("401 Unauthorized", "XLM_CREDENTIALS"),
        ("403 Forbidden", "XLM_CREDENTIALS"),
        ("404 Not Found", "check the URL"),
        ("410 Gone", "removed it"),
        ("451 Unavailable For Legal Reasons", "mirror"),
        ("500 Oops", "run again later"),
        ("418 Teapot", "check the URL"),
    ],
)
def test_every_status_has_a_fix(tmp_path, status, fix):
    with raw_server(sends(head(status, Content_Length=0))) as url:
        error = assert_refused(f"{url}/a.txt", tmp_path, f"answered {status}")
    assert fix in error.fix


def test_an_unknown_server_is_one_line(tmp_path):
    error = assert_refused(
        "http://no-such-host.invalid/a.txt", tmp_path, "server name cannot be resolved"
    )
    assert "check the network" in error.fix


def test_an_untrusted_certificate_is_refused_at_once(tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(write_certificate(tmp_path))
    attempts = []

    def answer(connection, request):
        attempts.append(request)
        with suppress(OSError):
            context.wrap_socket(connection, server_side=True)

    network = NetworkConfig(attempts=3, timeout_seconds=10)
    with raw_server(answer, reads=False) as url:
        url = url.replace("http://127.0.0.1", "https://localhost")
        error = assert_refused(f"{url}/a.txt", tmp_path, "certificate of the server", network)
    assert "SSL_CERT_FILE" in error.fix
    assert len(attempts) == 1
