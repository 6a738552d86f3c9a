"""False answers of a server about a file without a published checksum."""

import bz2
import codecs
import gzip
import lzma

import pytest

from tests.corpus.http.fetching import TEXT, assert_refused, get, head, zip_of
from tests.corpus.http.raw_server import raw_server, sends
from xlm.config.data.sources import NetworkConfig
from xlm.corpus.http.verification.pins import PinFile
from xlm.errors import ChecksumError

# A transfer that ends early.


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "body"),
    [
        (head(), TEXT[:5000]),
        (head().replace(b"1.1", b"1.0"), TEXT[:5000]),
        (head(Content_Length=5000), TEXT),
        (head(Content_Length=len(TEXT)), TEXT[:5000]),
        (head(Transfer_Encoding="chunked"), b"1388\r\n" + TEXT[:5000] + b"\r\n0\r\n\r\n"),
        (head(Transfer_Encoding="chunked"), b"1388\r\n" + TEXT[:5000] + b"\r\n"),
        (head(Transfer_Encoding="chunked"), b"1388\r\n" + TEXT[:4000]),
    ],
    ids=["until-closed", "1.0", "short-length", "long-length", "last-chunk", "no-end", "in-chunk"],
)
def test_a_cut_text_is_refused_in_every_framing(tmp_path, start, body):
    with raw_server(sends(start + body)) as url:
        assert_refused(f"{url}/corpus.txt", tmp_path, r"size|length|body|middle of a line")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["corpus.zip", "corpus.gz", "corpus.bz2", "corpus.xz"])
def test_a_compressed_file_proves_that_it_is_complete(tmp_path, name):
    pack = {"zip": zip_of, "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
    content = pack[name.rpartition(".")[2]](TEXT)
    with raw_server(sends(head() + content)) as url:
        assert get(f"{url}/{name}", tmp_path)[0] == content
    (tmp_path / "out" / "got").unlink()
    (tmp_path / "out").rmdir()
    for length in (0, 1, len(content) // 2, len(content) - 1):
        with raw_server(sends(head() + content[:length])) as url:
            assert_refused(f"{url}/{name}", tmp_path, "did not send|not a zip|an empty file")


def test_a_text_whose_size_the_server_confirms_may_end_anywhere(server, new_file, tmp_path):
    server.files["/corpus.txt"] = new_file(TEXT[:-1], no_length=True)
    assert get(server.url("/corpus.txt"), tmp_path)[0] == TEXT[:-1]


def test_a_text_shorter_than_its_server_reports_is_refused(server, new_file, tmp_path):
    """The server cuts the first answer at a line end, with a length that fits."""

    def grow(file):
        file.content = TEXT if len(server.requests) > 1 else TEXT[: TEXT.index(b"\n", 5000) + 1]

    server.files["/corpus.txt"] = new_file(TEXT, on_request=grow)
    assert_refused(
        server.url("/corpus.txt"), tmp_path, r"bytes arrived, but the server reports [\d,]+"
    )


# A 206 with foreign bytes.


def test_a_text_without_digest_is_not_continued(server, new_file, tmp_path):
    def swap(file):
        if len(server.requests) > 1:
            file.content = TEXT[::-1]

    server.files["/corpus.txt"] = new_file(TEXT, hangs_up_after=[5000], on_request=swap)
    content, _ = get(server.url("/corpus.txt"), tmp_path, NetworkConfig(timeout_seconds=5))
    assert content == TEXT[::-1]
    assert server.ranges()[:2] == [None, None]


def test_foreign_bytes_after_the_start_of_a_zip_are_detected(server, new_file, tmp_path):
    content = zip_of()

    def swap(file):
        if len(server.requests) > 1:
            file.content = content[:60] + bytes(100) + content[160:]

    server.files["/corpus.zip"] = new_file(content, hangs_up_after=[60], on_request=swap)
    network = NetworkConfig(timeout_seconds=5)
    assert_refused(server.url("/corpus.zip"), tmp_path, "did not send a complete zip file", network)
    assert server.ranges() == [None, "bytes=60-"]
    assert not (tmp_path / "part").exists()


def test_with_a_pin_a_text_is_resumed_and_foreign_bytes_are_detected(server, new_file, tmp_path):
    pins = PinFile.of(tmp_path / "pins", server.url("/corpus.txt"), mirrored=False)
    server.files["/corpus.txt"] = new_file(TEXT)
    _, fetched = get(server.url("/corpus.txt"), tmp_path)
    pins.record(fetched.size_bytes, fetched.sha256)
    (tmp_path / "out" / "got").unlink()
    (tmp_path / "out").rmdir()
    server.requests.clear()

    def swap(file):
        if len(server.requests) > 1:
            file.content = TEXT[::-1]

    server.files["/corpus.txt"] = new_file(TEXT, hangs_up_after=[5000], on_request=swap)
    network = NetworkConfig(timeout_seconds=5)
    url = server.url("/corpus.txt")
    error = assert_refused(url, tmp_path, "sha256 is", network, pin=pins.read())
    assert isinstance(error, ChecksumError)
    assert fetched.sha256 in error.what
    assert server.ranges() == [None, "bytes=5000-"]


# A web page instead of a file.

PAGE = "<!DOCTYPE HTML>\n<html><head><title>Log in</title></head><body>No.</body></html>\n"


@pytest.mark.slow
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
def test_a_web_page_is_refused(server, new_file, tmp_path, page, name):
    server.files[f"/{name}"] = new_file(page)
    assert_refused(server.url(f"/{name}"), tmp_path, "the server sent a web page")


def test_a_text_about_pages_is_a_text(server, new_file, tmp_path):
    text = b"<b>3</b> < 5, and the tag html is written <htm>.\n" + TEXT
    server.files["/corpus.txt"] = new_file(text)
    assert get(server.url("/corpus.txt"), tmp_path)[0] == text
    long = b"<p>is the tag of a paragraph.\n" + TEXT * 6
    server.files["/long.txt"] = new_file(long)
    assert get(server.url("/long.txt"), tmp_path)[0] == long


@pytest.mark.slow
@pytest.mark.parametrize("name", ["corpus.txt", "corpus.gz", "corpus.zip"])
@pytest.mark.parametrize("framing", [{"Content_Length": 0}, {"Transfer_Encoding": "chunked"}, {}])
def test_an_empty_file_is_refused(tmp_path, name, framing):
    """Else it would be pinned as the first download, and the real file would be refused."""
    body = b"0\r\n\r\n" if "Transfer_Encoding" in framing else b""
    with raw_server(sends(head(**framing) + body)) as url:
        assert_refused(f"{url}/{name}", tmp_path, "the server sent an empty file")


def test_a_zip_without_files_is_refused(tmp_path):
    content = b"PK\5\6" + bytes(18)
    with raw_server(sends(head(Content_Length=len(content)) + content)) as url:
        assert_refused(f"{url}/corpus.zip", tmp_path, "it contains no file")


def test_a_reason_with_controls_is_shown_without_them(tmp_path):
    with raw_server(sends(head("418 \x1b[31mred\x07 tea", Content_Length=0))) as url:
        error = assert_refused(f"{url}/a.txt", tmp_path, "answered 418")
    assert error.what.isprintable()
