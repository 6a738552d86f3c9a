"""What a host may claim of a file without a published checksum, and what is believed."""

import bz2
import codecs
import gzip
import io
import lzma
import ssl
import zipfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.corpus.raw_host import raw_host, sends, trickles
from tests.corpus.transfers import sha1_of
from xlm.config.sources import NetworkConfig
from xlm.corpus.fetch import Fetcher
from xlm.corpus.mirror import open_client
from xlm.corpus.pins import PinFile
from xlm.errors import ChecksumError, SourceError, StoreError, XlmError

TEXT = b"".join(f"Sentence {number} of a corpus.\n".encode() for number in range(500))
IMPATIENT = NetworkConfig(attempts=1, timeout_seconds=0.3)


def _zip(content=TEXT):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("corpus.en", content)
        archive.writestr("corpus.sw", content)
    return packed.getvalue()


def _get(address, tmp_path, network=IMPATIENT, mirror=None, **options):
    target = tmp_path / "out" / "got"
    with open_client(mirror, network) as client:
        fetcher = Fetcher(client, network, lambda seconds: None)
        fetched = fetcher.file(address, target, part=tmp_path / "part", **options)
    return target.read_bytes(), fetched


def _refused(address, tmp_path, match, network=IMPATIENT, **options):
    with pytest.raises(SourceError, match=match) as caught:
        _get(address, tmp_path, network, **options)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()
    return caught.value


def _head(status="200 OK", **headers):
    lines = [f"HTTP/1.1 {status}", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


# A transfer that ends early.


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (_head(), TEXT[:5000]),
        (_head().replace(b"1.1", b"1.0"), TEXT[:5000]),
        (_head(Content_Length=5000), TEXT),
        (_head(Content_Length=len(TEXT)), TEXT[:5000]),
        (_head(Transfer_Encoding="chunked"), b"1388\r\n" + TEXT[:5000] + b"\r\n0\r\n\r\n"),
        (_head(Transfer_Encoding="chunked"), b"1388\r\n" + TEXT[:5000] + b"\r\n"),
        (_head(Transfer_Encoding="chunked"), b"1388\r\n" + TEXT[:4000]),
    ],
    ids=["until-closed", "1.0", "short-length", "long-length", "last-chunk", "no-end", "in-chunk"],
)
def test_a_cut_text_is_refused_in_every_framing(tmp_path, head, body):
    with raw_host(sends(head + body)) as address:
        _refused(f"{address}/corpus.txt", tmp_path, r"size|length|body|within a line")


@pytest.mark.parametrize("name", ["corpus.zip", "corpus.gz", "corpus.bz2", "corpus.xz"])
def test_a_packed_file_proves_where_it_ends(tmp_path, name):
    pack = {"zip": _zip, "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
    content = pack[name.rpartition(".")[2]](TEXT)
    with raw_host(sends(_head() + content)) as address:
        assert _get(f"{address}/{name}", tmp_path)[0] == content
    (tmp_path / "out" / "got").unlink()
    (tmp_path / "out").rmdir()
    for length in (0, 1, len(content) // 2, len(content) - 1):
        with raw_host(sends(_head() + content[:length])) as address:
            _refused(f"{address}/{name}", tmp_path, "is no whole|no zip archive|an empty file")


def test_a_text_whose_size_the_host_confirms_may_end_anywhere(host, new_file, tmp_path):
    host.files["/corpus.txt"] = new_file(TEXT[:-1], no_length=True)
    assert _get(host.url("/corpus.txt"), tmp_path)[0] == TEXT[:-1]


def test_a_text_shorter_than_its_host_says_is_refused(host, new_file, tmp_path):
    """The host cuts the first answer at a line end, with a length that fits."""

    def grow(file):
        file.content = TEXT if len(host.requests) > 1 else TEXT[: TEXT.index(b"\n", 5000) + 1]

    host.files["/corpus.txt"] = new_file(TEXT, on_request=grow)
    _refused(host.url("/corpus.txt"), tmp_path, r"bytes arrived, the host has [\d,]+")


# A 206 with foreign bytes.


def test_a_text_without_digest_is_not_continued(host, new_file, tmp_path):
    def swap(file):
        if len(host.requests) > 1:
            file.content = TEXT[::-1]

    host.files["/corpus.txt"] = new_file(TEXT, hangs_up_after=[5000], on_request=swap)
    content, _ = _get(host.url("/corpus.txt"), tmp_path, NetworkConfig(timeout_seconds=5))
    assert content == TEXT[::-1]
    assert host.ranges()[:2] == [None, None]


def test_foreign_bytes_behind_the_begin_of_a_zip_are_seen(host, new_file, tmp_path):
    content = _zip()

    def swap(file):
        if len(host.requests) > 1:
            file.content = content[:60] + bytes(100) + content[160:]

    host.files["/corpus.zip"] = new_file(content, hangs_up_after=[60], on_request=swap)
    network = NetworkConfig(timeout_seconds=5)
    _refused(host.url("/corpus.zip"), tmp_path, "is no whole zip file", network)
    assert host.ranges() == [None, "bytes=60-"]
    assert not (tmp_path / "part").exists()


def test_a_pin_lets_a_text_be_continued_and_sees_foreign_bytes(host, new_file, tmp_path):
    pins = PinFile.of(tmp_path / "pins", host.url("/corpus.txt"), mirrored=False)
    host.files["/corpus.txt"] = new_file(TEXT)
    _, fetched = _get(host.url("/corpus.txt"), tmp_path)
    pins.record(fetched.size_bytes, fetched.sha256)
    (tmp_path / "out" / "got").unlink()
    (tmp_path / "out").rmdir()
    host.requests.clear()

    def swap(file):
        if len(host.requests) > 1:
            file.content = TEXT[::-1]

    host.files["/corpus.txt"] = new_file(TEXT, hangs_up_after=[5000], on_request=swap)
    network = NetworkConfig(timeout_seconds=5)
    address = host.url("/corpus.txt")
    error = _refused(address, tmp_path, "sha256 is", network, pin=pins.read())
    assert isinstance(error, ChecksumError)
    assert fetched.sha256 in error.what
    assert host.ranges() == [None, "bytes=5000-"]


# A page in place of a file.

PAGE = "<!DOCTYPE HTML>\n<html><head><title>Log in</title></head><body>No.</body></html>\n"


@pytest.mark.parametrize(
    "page",
    [
        PAGE.encode(),
        codecs.BOM_UTF8 + PAGE.encode(),
        b"\r\n\t " + PAGE.upper().encode(),
        codecs.BOM_UTF16_LE + PAGE.encode("utf-16-le"),
        PAGE.encode("utf-16-be"),
        gzip.compress(PAGE.encode(), mtime=0),
        b"<!-- served by a proxy -->\n<HTML lang=en>" + PAGE.encode(),
        b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html><html/>',
        b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>\n',
        b"<head><meta http-equiv=refresh content='0;url=/login'></head>\n",
        b"Access denied\n<html><body></body></html>\n",
        b"<p>You must log in to read this.</p>\n",
        b"<br />\n<b>Fatal error</b>: no disk\n",
        b"<form action=/login><input></form>\n",
        b"<a href=/login>log in</a>\n",
        b" \n" * 5000 + PAGE.encode(),
        b"<!-- " + b"x" * 6000 + b" -->\n" + PAGE.encode(),
        b"Error\n" * 300 + PAGE.encode(),
    ],
)
@pytest.mark.parametrize("name", ["corpus.txt", "corpus", "corpus.zip"])
def test_a_page_is_no_file(host, new_file, tmp_path, page, name):
    host.files[f"/{name}"] = new_file(page)
    _refused(host.url(f"/{name}"), tmp_path, "the host sent a web page")


def test_a_text_about_pages_is_a_text(host, new_file, tmp_path):
    text = b"<b>3</b> < 5, and the tag html is written <htm>.\n" + TEXT
    host.files["/corpus.txt"] = new_file(text)
    assert _get(host.url("/corpus.txt"), tmp_path)[0] == text
    long = b"<p>is the tag of a paragraph.\n" + TEXT * 6
    host.files["/long.txt"] = new_file(long)
    assert _get(host.url("/long.txt"), tmp_path)[0] == long


@pytest.mark.parametrize("name", ["corpus.txt", "corpus.gz", "corpus.zip"])
@pytest.mark.parametrize("framing", [{"Content_Length": 0}, {"Transfer_Encoding": "chunked"}, {}])
def test_an_empty_file_is_refused(tmp_path, name, framing):
    """It would be recorded as the first download, and the real file be refused ever after."""
    body = b"0\r\n\r\n" if "Transfer_Encoding" in framing else b""
    with raw_host(sends(_head(**framing) + body)) as address:
        _refused(f"{address}/{name}", tmp_path, "the host sent an empty file")


def test_a_zip_without_files_is_refused(tmp_path):
    content = b"PK\5\6" + bytes(18)
    with raw_host(sends(_head(Content_Length=len(content)) + content)) as address:
        _refused(f"{address}/corpus.zip", tmp_path, "it holds no file")


def test_a_reason_with_controls_is_shown_without_them(tmp_path):
    with raw_host(sends(_head("418 \x1b[31mred\x07 tea", Content_Length=0))) as address:
        error = _refused(f"{address}/a.txt", tmp_path, "answered 418")
    assert error.what.isprintable()


# Redirects.


def test_a_redirect_to_another_host_is_followed_only_if_configured(host, new_file, tmp_path):
    host.files["/corpus.txt"] = new_file(TEXT)
    location = host.url("/corpus.txt")
    with raw_host(sends(_head("302 Found", Location=location, Content_Length=0))) as address:
        other = address.replace("127.0.0.1", "localhost")
        error = _refused(f"{other}/old.txt", tmp_path, f"to another host, {location}")
        assert "sources.network.redirect_hosts=[127.0.0.1]" in error.fix
        assert host.requests == []
        network = IMPATIENT.model_copy(update={"redirect_hosts": ("127.0.0.1",)})
        content, fetched = _get(f"{other}/old.txt", tmp_path, network)
    assert content == TEXT
    assert fetched.redirected_to == location


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
def test_a_redirect_to_no_web_address_is_one_line(tmp_path, location):
    with raw_host(sends(_head("301 Gone", Location=location, Content_Length=0))) as address:
        _refused(f"{address}/a.txt", tmp_path, "redirect.* to|check the address")


def test_redirects_without_end_are_one_line(tmp_path):
    with raw_host(sends(_head("302 Found", Location="/again", Content_Length=0))) as address:
        _refused(f"{address}/a.txt", tmp_path, "more than 10 redirects")


# A host that keeps us.


@pytest.mark.parametrize(
    ("first", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\nX: ", b"a"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 ", b""),
        (_head(Transfer_Encoding="chunked") + b"5;", b"a"),
        (_head(Transfer_Encoding="chunked") + b"1\r\na\r\n0\r\nX: ", b"a"),
        (_head(Content_Length=10**9), b"a"),
        (_head(), b"a"),
    ],
    ids=["header", "continue", "silence", "chunk-size", "trailer", "body", "endless-body"],
)
@pytest.mark.parametrize("text", [False, True])
def test_no_trickle_keeps_us(tmp_path, first, piece, text):
    with raw_host(trickles(first, piece)) as address:
        if not text:
            _refused(f"{address}/a.txt", tmp_path, "nothing useful|only|ReadTimeout")
            return
        with (
            open_client(None, IMPATIENT) as client,
            pytest.raises(SourceError, match=r"nothing useful|only|ReadTimeout"),
        ):
            Fetcher(client, IMPATIENT, lambda seconds: None).text(f"{address}/dumpstatus.json")


def test_a_body_without_end_is_refused_by_its_limit(tmp_path):
    network = NetworkConfig(attempts=1, timeout_seconds=20, largest_unsized_bytes=5_000_000)
    with raw_host(trickles(_head(), TEXT * 20, 0)) as address:
        _refused(f"{address}/a.txt", tmp_path, "5,000,000 are the most", network)
    assert not (tmp_path / "part").exists()


def test_a_body_without_end_stops_before_the_disk_is_full(tmp_path, monkeypatch):
    from xlm.corpus import fetch

    monkeypatch.setattr(fetch, "_SPACE_STEP_BYTES", 1 << 20)
    asked = []

    def usage(path):
        asked.append(path)
        return type("Usage", (), {"free": (200 << 20) // len(asked)})

    monkeypatch.setattr(fetch.shutil, "disk_usage", usage)
    network = NetworkConfig(attempts=1, timeout_seconds=20)
    with (
        raw_host(trickles(_head(), TEXT * 20, 0)) as address,
        pytest.raises(StoreError, match="whose size the host does not give"),
    ):
        _get(f"{address}/a.txt", tmp_path, network)
    assert not (tmp_path / "part").exists()


def test_a_file_far_larger_than_its_catalogue_says_is_refused(host, new_file, tmp_path):
    host.files["/a.zip"] = new_file(TEXT)
    _refused(host.url("/a.zip"), tmp_path, "1,000 are the most", largest_bytes=1000)


@pytest.mark.parametrize(
    "asked", ["²", "-5", "9" * 5000, "٣", "1e9", "", "Sun, 99 Nov 99999 99:99:99 GMT",
              "Sun, 01 Nov 2026 00:00:00 +9999999999", ",,,", "\x85"],
)  # fmt: skip
def test_an_odd_retry_after_is_no_traceback(tmp_path, asked):
    head = _head("503 Busy", Content_Length=0).replace(
        b"\r\n\r\n", b"\r\nRetry-After: " + asked.encode() + b"\r\n\r\n"
    )
    with raw_host(sends(head)) as address:
        _refused(f"{address}/a.txt", tmp_path, "503 Busy|RemoteProtocolError")


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
    with raw_host(sends(answer)) as address:
        for options in ({}, {"head_bytes": 100}):
            with suppress(XlmError):
                _get(f"{address}/a.txt", tmp_path, **options)


def test_an_etag_that_cannot_be_sent_back_is_not_used(tmp_path):
    """The transfer breaks, and the next attempt would quote the ETag in If-Range."""
    head = b'HTTP/1.1 200 OK\r\nETag: "\xfc"\r\nContent-Length: 99999\r\n\r\n'
    network = NetworkConfig(attempts=3, timeout_seconds=5)
    with raw_host(sends(head + TEXT)) as address:
        _refused(f"{address}/a.bin", tmp_path, r"3 attempts", network, digests=sha1_of(TEXT))


@pytest.mark.parametrize(
    ("status", "fix"),
    [
        ("401 Unauthorized", "XLM_CREDENTIALS"),
        ("403 Forbidden", "XLM_CREDENTIALS"),
        ("404 Not Found", "check the address"),
        ("410 Gone", "removed it"),
        ("451 Unavailable For Legal Reasons", "mirror"),
        ("500 Oops", "run again later"),
        ("418 Teapot", "check the address"),
    ],
)
def test_every_refusal_says_what_to_do(tmp_path, status, fix):
    with raw_host(sends(_head(status, Content_Length=0))) as address:
        error = _refused(f"{address}/a.txt", tmp_path, f"answered {status}")
    assert fix in error.fix


def test_an_unknown_host_is_one_line(tmp_path):
    error = _refused("http://no-such-host.invalid/a.txt", tmp_path, "name of the host is not known")
    assert "check the network" in error.fix


def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_own_certificate(tmp_path))
    attempts = []

    def answer(connection, request):
        attempts.append(request)
        with suppress(OSError):
            context.wrap_socket(connection, server_side=True)

    network = NetworkConfig(attempts=3, timeout_seconds=10)
    with raw_host(answer, reads=False) as address:
        address = address.replace("http://127.0.0.1", "https://localhost")
        error = _refused(f"{address}/a.txt", tmp_path, "certificate of the host", network)
    assert "SSL_CERT_FILE" in error.fix
    assert len(attempts) == 1


def _own_certificate(tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(
        encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "own.pem"
    path.write_bytes(private + certificate.public_bytes(encoding))
    return path
