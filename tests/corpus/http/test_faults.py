"""A server that misbehaves in every way: right bytes, or a refusal in one line; never wrong bytes.

Each fault meets three files: one with a published checksum, a zip, and a text without either. After
a refusal, the same download from a good server succeeds. Dumps are in `tests/corpus/wikipedia`,
limits of connections in `connections/`, `latest` in `tests/pipeline/test_latest.py`.
"""

import gzip
import hashlib
import socket
import struct
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.corpus.http.fetching import TEXT, head, zip_of
from tests.corpus.http.raw_server import raw_server
from xlm.config.data.sources import NetworkConfig
from xlm.corpus.http.client import open_client
from xlm.corpus.http.download.fetcher import Fetcher
from xlm.corpus.http.verification.pins import PinFile
from xlm.errors import ChecksumError, ServerError, SourceError

pytestmark = pytest.mark.slow

NETWORK = NetworkConfig(attempts=3, timeout_seconds=30)
IMPATIENT = NetworkConfig(attempts=5, timeout_seconds=0.5)
NOISE = hashlib.shake_256(b"noise").digest(20_000)
NEW = {"bin": NOISE[::-1], "zip": zip_of(NOISE[:9000]), "txt": TEXT.replace(b"Sent", b"Word")}
OLD = {"bin": NOISE, "zip": zip_of(NOISE), "txt": TEXT}
CUT = 5000
BYTES = "right bytes"


def _start(request):
    """The first byte that a request asks for; None if it asks for all."""
    for line in request.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(": ")
        if name.lower() == "range":
            return int(value.removeprefix("bytes=").partition("-")[0])
    return None


def good(connection, request, content, etag='"one"', **headers):
    """Answers as a server should."""
    start, size = _start(request), len(content)
    if start is None:
        connection.sendall(head(ETag=etag, Content_Length=size, **headers) + content)
        return
    content_range = f"bytes {start}-{size - 1}/{size}"
    answer = {"ETag": etag, "Content_Length": size - start, "Content_Range": content_range}
    connection.sendall(head("206 Partial Content", **answer | headers) + content[start:])


def cut(connection, request, content):
    """The connection is closed after a quarter."""
    start = _start(request) or 0
    status = {"ETag": '"one"', "Content_Length": len(content) - start}
    if start:
        status["Content_Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
    first = head("206 Partial Content" if start else "200 OK", **status)
    connection.sendall(first + content[start : start + CUT])


def reset(connection, request, content):
    """The connection is reset instead of closed."""
    cut(connection, request, content)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def silent(connection, request, content):
    """Nothing more arrives after a quarter, but the connection stays open."""
    cut(connection, request, content)
    connection.recv(1)


def trickling(connection, request, content):
    """A byte every 50 ms."""
    cut(connection, request, content)
    for number in range(CUT, CUT + 400):
        connection.sendall(content[number : number + 1])
        time.sleep(0.05)


def trickling_headers(connection, request, content):
    """The headers never end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for _ in range(400):
        connection.sendall(b"X: y\r\n")
        time.sleep(0.05)


def on_resume(answer):
    """Misbehaves only if it is asked for the rest of a file."""

    def answers(connection, request, content):
        (good if _start(request) in (None, 0) else answer)(connection, request, content)

    return answers


def _partial(**changes):
    """A 206 with other headers, and the bytes from byte 100."""

    def answer(connection, request, content):
        fields = {"ETag": '"one"', "Content_Length": len(content) - 100, **changes}
        fields = {name: value for name, value in fields.items() if value is not None}
        connection.sendall(head("206 Partial Content", **fields) + content[100:])

    return on_resume(answer)


def unsatisfied(connection, request, content):
    """416 although the range is in the file."""
    connection.sendall(head("416 No", Content_Range="bytes */100", Content_Length=0))


def complete(connection, request, content):
    """The complete file, whatever was asked."""
    good(connection, b"", content)


def without_length(connection, request, content):
    """The body has no length, and ends too early at a line end."""
    body = content[: content.rindex(b"\n", 0, 9000) + 1]
    connection.sendall(head() + body)


def chunked_cut(connection, request, content):
    """The last chunk is missing."""
    chunk = b"%x\r\n" % CUT + content[:CUT] + b"\r\n"
    connection.sendall(head(Transfer_Encoding="chunked") + chunk)


def short_length(connection, request, content):
    """The length is too small; the server knows better if it is asked for the last byte."""
    if _start(request) is not None:
        good(connection, request, content)
        return
    connection.sendall(head(Content_Length=CUT) + content[:CUT])


def long_length(connection, request, content):
    """The length is too large."""
    connection.sendall(head(Content_Length=len(content) + 99) + content)


def encoded(connection, request, content):
    """The body is compressed for the transfer, although that was not accepted."""
    good(connection, b"", gzip.compress(content), Content_Encoding="gzip")


def compressed_silently(connection, request, content):
    """The body is compressed, and no header says so."""
    good(connection, b"", gzip.compress(content))


def flipped(connection, request, content):
    """One byte is wrong."""
    middle = len(content) // 2
    wrong = bytes([content[middle] ^ 1])
    good(connection, request, content[:middle] + wrong + content[middle + 1 :])


def busy(status, **headers):
    """An answer without a file."""
    return lambda connection, request, content: connection.sendall(
        head(status, Content_Length=0, **headers)
    )


# The answers to the first requests, the last one to all others; what a text, a zip and a file with
# a checksum become. None: nothing shows it in a first download; see the test of F4 with pins.
ALL = (BYTES, BYTES, BYTES)
FAULTS = {
    "F1 closed at byte k": ([cut, good], ALL),
    "F1 closed again and again": ([cut, cut, good], ALL),
    "F1 reset at byte k": ([reset, good], ALL),
    "F1 silent mid body": ([silent, good], ALL),
    "F1 slow body": ([trickling, good], ALL),
    "F1 slow headers": ([trickling_headers, good], ALL),
    "F1 slow forever": ([trickling_headers], (r"5 attempts",) * 3),
    "F2 Range ignored": ([cut, complete], ALL),
    "F2 416 on resume": ([cut, on_resume(unsatisfied), good], ALL),
    "F2 wrong Content-Range": ([cut, _partial(Content_Range="bytes 100-19999/20000"), good], ALL),
    "F2 other size": ([cut, _partial(Content_Range=f"bytes {CUT}-99998/99999"), good], ALL),
    "F2 no Content-Range": ([cut, _partial(), good], ALL),
    "F2 unreadable Content-Range": ([cut, _partial(Content_Range="bytes x-y/z"), good], ALL),
    "F2 several ranges": (
        [cut, _partial(Content_Type="multipart/byteranges; boundary=x"), good],
        ALL,
    ),
    "F3 no length, cut": (
        [without_length],
        (r"bytes arrived, but|reports no size", "did not send a complete zip", "sha1 is"),
    ),
    "F3 last chunk missing": ([chunked_cut, good], ALL),
    "F3 length too small": (
        [short_length],
        ("bytes arrived, but the server reports", "did not send a complete zip", "sha1 is"),
    ),
    "F3 length too large": ([long_length], (r"3 attempts",) * 3),
    "F3 gzip as Content-Encoding": ([encoded], ("encoded as gzip",) * 3),
    "F3 gzip without a header": ([compressed_silently], (None, "not a zip archive", "sha1 is")),
    "F4 a wrong byte": ([flipped], (None, "did not send a complete zip", "sha1 is")),
    "F5 429 with seconds": ([busy("429 Slow down", Retry_After=7), good], ALL),
    "F5 503 without a time": ([busy("503 Busy"), good], ALL),
    "F5 503 forever": ([busy("503 Busy", Retry_After=7)], (r"503 Busy \(3 attempts\)",) * 3),
    "F5 500 once": ([busy("500 Oops"), good], ALL),
}
KINDS = ("txt", "zip", "bin")


def _fetch(answers, kind, tmp_path, network=NETWORK, content=None, **options):
    """Download from a server with these answers; returns the bytes, the waits and the requests."""
    content = OLD[kind] if content is None else content
    requests, waits = [], []

    def answer(connection, request):
        requests.append(request)
        answers[min(len(requests), len(answers)) - 1](connection, request, content)

    if kind == "bin":
        options["digests"] = {"sha1": hashlib.sha1(content).hexdigest()}
    target = tmp_path / "out" / "got"
    with raw_server(answer) as url, open_client(None, network) as client:
        fetcher = Fetcher(client, network, waits.append)
        fetcher.file(f"{url}/corpus.{kind}", target, part=tmp_path / "part", **options)
    got = target.read_bytes()
    target.unlink()
    return got, waits, requests


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (fault, kind)
        for fault, (_, outcomes) in FAULTS.items()
        for kind, outcome in zip(KINDS, outcomes, strict=True)
        if outcome is not None
    ],
)
def test_right_bytes_or_a_refusal(tmp_path, fault, kind):
    answers, expected = FAULTS[fault]
    outcome = expected[KINDS.index(kind)]
    network = IMPATIENT if "slow" in fault or "silent" in fault else NETWORK
    if outcome == BYTES:
        got, _, requests = _fetch(answers, kind, tmp_path, network)
        assert got == OLD[kind]
        # Every rest was asked for with the version that it belongs to.
        assert all(b"If-Range" in one for one in requests if (_start(one) or 0) in range(1, CUT))
    else:
        with pytest.raises(SourceError, match=outcome) as caught:
            _fetch(answers, kind, tmp_path, network)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "out" / "got").exists()
        assert _fetch([good], kind, tmp_path)[0] == OLD[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_f2_a_file_that_changes_between_two_attempts_is_never_mixed(tmp_path, kind):
    def old(connection, request, content):
        cut(connection, request, OLD[kind])

    def new(connection, request, content):
        good(connection, request, NEW[kind], etag='"two"')

    got, _, requests = _fetch([old, new], kind, tmp_path, content=NEW[kind])
    assert got == NEW[kind]
    # The rest of the old one, or of nothing for the text; then its size, for the text.
    assert len(requests) == 3


@pytest.mark.parametrize("kind", ["txt", "zip"])
@pytest.mark.parametrize("fault", [flipped, compressed_silently, without_length])
def test_f4_without_a_checksum_the_first_download_is_the_measure(tmp_path, kind, fault):
    pins = PinFile.of(tmp_path / "pins", f"http://host/corpus.{kind}", mirrored=False)
    content = OLD[kind]
    pins.record(len(content), hashlib.sha256(content).hexdigest())
    assert _fetch([good], kind, tmp_path, pin=pins.read())[0] == content
    with pytest.raises(ChecksumError) as caught:
        _fetch([fault], kind, tmp_path, pin=pins.read())
    assert hashlib.sha256(content).hexdigest() in caught.value.what
    assert f"({len(content):,} bytes)" in caught.value.what
    assert str(pins.path) in caught.value.fix


def test_f4_a_wrong_checksum_names_both(tmp_path):
    with pytest.raises(ChecksumError) as caught:
        _fetch([flipped], "bin", tmp_path)
    published = hashlib.sha1(NOISE).hexdigest()
    wrong = NOISE[:10_000] + bytes([NOISE[10_000] ^ 1]) + NOISE[10_001:]
    assert published in caught.value.what
    assert hashlib.sha1(wrong).hexdigest() in caught.value.what


@pytest.mark.parametrize("status", ["429 Slow down", "503 Busy"])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_f5_the_wait_that_the_server_asks_for_is_kept(tmp_path, status, form):
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    answers = [busy(status, Retry_After="90" if form == "seconds" else later), good]
    got, waits, _ = _fetch(answers, "bin", tmp_path)
    assert got == NOISE
    assert len(waits) == 1
    assert 30 < waits[0] <= 90


def test_f5_a_server_that_stays_busy_may_be_asked_again_later(tmp_path):
    with pytest.raises(ServerError, match="run again later"):
        _fetch([busy("503 Busy")], "txt", tmp_path)
