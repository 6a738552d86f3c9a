"""Test contents, a progress recorder, and functions that fetch one file."""

import hashlib
import io
import zipfile

import pytest

from xlm.config.data.sources import NetworkConfig
from xlm.corpus.http.client import open_client
from xlm.corpus.http.download.fetcher import Fetcher
from xlm.errors import SourceError

CONTENT = bytes(range(256)) * 40


SHA256 = hashlib.sha256(CONTENT).hexdigest()


def sha1_of(content):
    """The digests that a server would publish; with them a broken transfer is resumed."""
    return {"sha1": hashlib.sha1(content).hexdigest()}


class RecordedProgress:
    """Records progress."""

    def __init__(self):
        self.updates = []

    def update(self, done, total, unit, note=""):
        self.updates.append((done, total, unit, note))


TEXT = b"".join(f"Sentence {number} of a corpus.\n".encode() for number in range(500))
ONCE = NetworkConfig(attempts=1, timeout_seconds=30)
IMPATIENT = NetworkConfig(attempts=1, timeout_seconds=0.3)
"""For servers that stall."""


def zip_of(content=TEXT):
    """A zip file with the content in two languages."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("corpus.en", content)
        archive.writestr("corpus.sw", content)
    return packed.getvalue()


def get(url, tmp_path, network=ONCE, mirror=None, **options):
    """Fetch one file; returns its bytes and the `Fetched`."""
    target = tmp_path / "out" / "got"
    with open_client(mirror, network) as client:
        fetcher = Fetcher(client, network, lambda seconds: None)
        fetched = fetcher.file(url, target, part=tmp_path / "part", **options)
    return target.read_bytes(), fetched


def assert_refused(url, tmp_path, match, network=ONCE, **options):
    """Fetch one file that must be refused in one line, without leaving files."""
    with pytest.raises(SourceError, match=match) as caught:
        get(url, tmp_path, network, **options)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()
    return caught.value


def head(status="200 OK", **headers):
    """The start of an answer, up to its body."""
    lines = [f"HTTP/1.1 {status}", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
