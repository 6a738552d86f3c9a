"""Random and hostile bytes in downloads raise only our own errors, in one line."""

import bz2
import contextlib
import gzip
import io
import json
import lzma
import threading
import zipfile

import pytest

from tests.corpus.http.raw_server import raw_server
from tests.fuzzing import fuzz
from xlm.config.data.downloads import WikipediaSpec
from xlm.config.data.sources import NetworkConfig
from xlm.corpus.http.client import open_client
from xlm.corpus.http.download.fetcher import Fetcher
from xlm.corpus.http.download.partial_file import PartialFile
from xlm.corpus.http.verification.content import check_content
from xlm.corpus.text_files.bzip2 import read_bz2
from xlm.corpus.text_files.zip_files import open_zip, read_members
from xlm.corpus.wikipedia.dump import cut_to_complete_streams, published_digests
from xlm.corpus.xnli.archives import evaluation_rows, training_rows

pytestmark = pytest.mark.slow

TEXT = b"".join(f"Line {number} of a text.\n".encode() for number in range(60))
SECONDS = 1.5


def _zip(methods=(zipfile.ZIP_DEFLATED,), names=("a.en", "a.sw"), content=TEXT):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, name in enumerate(names):
            archive.writestr(name, content, methods[number % len(methods)])
    return packed.getvalue()


ZIPS = [
    _zip(),
    _zip((zipfile.ZIP_STORED, zipfile.ZIP_BZIP2)),
    _zip((zipfile.ZIP_LZMA,)),
    _zip(names=("ü.en", "deep/er.sw", "folder/")),
]


@pytest.fixture
def write(tmp_path):
    path = tmp_path / "foreign.zip"

    def run(data):
        path.write_bytes(data)
        return path

    return run


def test_zips(write):
    def read(data):
        with open_zip(write(data)) as archive:
            for _ in read_members(archive):
                pass

    words = [b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"\x0c\0", b"\x0e\0"]
    assert fuzz(read, ZIPS, seconds=2 * SECONDS, words=words) >= 24


@pytest.mark.parametrize("ending", ["zip", "gz", "bz2", "xz", "txt"])
def test_content_of_downloads(write, ending):
    samples = {
        "zip": ZIPS,
        "gz": [gzip.compress(TEXT), gzip.compress(TEXT) + gzip.compress(b"more")],
        "bz2": [bz2.compress(TEXT), bz2.compress(TEXT) + bz2.compress(b"more")],
        "xz": [lzma.compress(TEXT), lzma.compress(TEXT) + bytes(8) + lzma.compress(b"more")],
        "txt": [TEXT, b"<html>", gzip.compress(b"<html>"), "größer".encode("utf-16")],
    }[ending]
    assert (
        fuzz(
            lambda data: check_content(write(data), f"https://h/a.{ending}"),
            samples,
            seconds=SECONDS,
        )
        > 20
    )


def test_bzip2_streams(write):
    samples = [bz2.compress(TEXT) * 3, bz2.compress(b"") + bz2.compress(TEXT)]
    assert fuzz(lambda data: list(read_bz2(write(data))), samples, seconds=SECONDS) > 20
    assert fuzz(lambda data: cut_to_complete_streams(write(data)), samples, seconds=SECONDS) > 20


def test_xnli_and_multinli(write):
    columns = ("language", "sentence1", "sentence2", "gold_label")
    rows = "\n".join(["\t".join(columns), "en\tOne.\tTwo.\tneutral", "en\tA\tB\tentailment", ""])
    table = rows.encode()
    training = b"premise\thypo\tlabel\nOne .\tTwo .\tcontradictory\n"

    def evaluation(data):
        list(
            evaluation_rows(
                write(_zip(names=("xnli.dev.tsv",), content=data)), "xnli.dev.tsv", "en", None
            )
        )

    def train(data):
        list(training_rows(write(_zip(names=("multinli.train.en.tsv",), content=data)), "en", None))

    words = [b"\t", b"\n", b"\r", b"neutral", b"gold_label", b"\0"]
    assert fuzz(evaluation, [table], seconds=SECONDS, words=words) > 20
    assert fuzz(train, [training], seconds=SECONDS, words=words) > 20


@pytest.mark.parametrize("kind", ["status", "sums"])
def test_status_and_checksums_of_a_dump(kind):
    spec = WikipediaSpec(title="t", licence="l", wiki="swwiki", date="20261101", head_bytes=None)
    name = spec.url.rsplit("/", 1)[-1]
    entry = {"size": 5, "sha1": "0" * 40, "md5": "f" * 32}
    job = {"articlesmultistreamdump": {"status": "done", "files": {name: entry}}}
    status = json.dumps({"version": "0.8", "jobs": job}).encode()
    sums = f"{'0' * 40}  other.xml\n{'0' * 40}  {name}\n".encode()

    def read(data):
        class Texts(Fetcher):
            def text(self, url):
                given = url.endswith("dumpstatus.json") == (kind == "status")
                valid = status if url.endswith("dumpstatus.json") else sums
                if url.endswith("md5sums.txt") and not given:
                    return None
                return (data if given else valid).decode(errors="replace")

        published_digests(Texts(None, NetworkConfig()), spec)

    words = [b'"sha1"', b'"done"', b'"files"', b"null", b"[]", b"{}", b"1", b"true"]
    assert fuzz(read, [status if kind == "status" else sums], seconds=SECONDS, words=words) > 20


@pytest.mark.parametrize(
    "status", ["[" * 100_000, '{"jobs": ' * 100_000, "9" * 5000, '{"jobs": ' + "9" * 5000 + "}"]
)
def test_a_status_of_brackets_and_digits_is_one_line(server, new_file, status):
    spec = WikipediaSpec(title="t", licence="l", wiki="swwiki", date="20261101", head_bytes=None)
    server.files["/dumps.wikimedia.org/swwiki/20261101/dumpstatus.json"] = new_file(status.encode())
    with (
        open_client(server.base_url, NetworkConfig()) as client,
        pytest.raises(Exception, match=r"^the swwiki dump of 20261101 is not finished \("),
    ):
        published_digests(Fetcher(client, NetworkConfig()), spec)


def test_records_of_partial_files(tmp_path):
    def reopen(data):
        part = tmp_path / "a.part"
        part.write_bytes(b"half")
        part.with_name("a.part.json").write_bytes(data)
        PartialFile(part, ["sha256"]).reopen("https://h/a")

    record = {"address": "https://h/a", "validator": '"x"', "host_bytes": 10}
    assert fuzz(reopen, [json.dumps(record).encode()], seconds=SECONDS) > 20


def test_http_answers(tmp_path):
    head = b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\nETag: "x"\r\n\r\n' % len(TEXT)
    samples = [
        head + TEXT,
        b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-99/1000\r\n\r\n" + TEXT[:100],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcd\n\r\n0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 503 Busy\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + head + TEXT,
        b"HTTP/1.1 416 No\r\nContent-Range: bytes */5\r\nContent-Length: 0\r\n\r\n",
    ]
    now = [b""]
    network = NetworkConfig(attempts=2, timeout_seconds=1.0)
    lock = threading.Lock()

    def answer(connection, request):
        with lock:
            connection.sendall(now[0])

    with raw_server(answer) as url, open_client(None, network) as client:
        fetcher = Fetcher(client, network, lambda seconds: None)

        def read(data):
            now[0] = data
            for options in ({}, {"head_bytes": 50}):
                with contextlib.suppress(FileNotFoundError):
                    (tmp_path / "part").unlink()
                fetcher.file(f"{url}/a.txt", tmp_path / "out", part=tmp_path / "part", **options)
            fetcher.text(f"{url}/dumpstatus.json")

        words = [b"\r\n", b"\n", b":", b"Content-Length: 5\r\n", b"chunked", b"bytes ", b"http://"]
        assert fuzz(read, samples, seconds=2 * SECONDS, words=words) > 20
