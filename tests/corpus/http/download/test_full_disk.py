"""Downloads to a disk that is too small: a real tmpfs, skipped if the user cannot mount."""

import subprocess

import pytest

from tests.corpus.http.raw_server import raw_server, sends, trickles
from xlm.config.data.sources import NetworkConfig
from xlm.corpus.http.client import open_client
from xlm.corpus.http.download import disk_space, transfer
from xlm.corpus.http.download.fetcher import Fetcher
from xlm.errors import StoreError

NETWORK = NetworkConfig(attempts=1, timeout_seconds=20)


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user cannot mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def _fetch(url, disk):
    with open_client(None, NETWORK) as client:
        Fetcher(client, NETWORK).file(url, disk / "out" / "a", part=disk / "a.part")


def test_an_endless_body_does_not_fill_the_disk(small_disk, monkeypatch):
    monkeypatch.setattr(disk_space, "_RESERVE_BYTES", 2 << 20)
    monkeypatch.setattr(transfer, "CHECK_EVERY_BYTES", 1 << 20)
    (small_disk / "good").write_bytes(b"good")
    with (
        raw_server(trickles(b"HTTP/1.1 200 OK\r\n\r\n", b"line\n" * 50_000, 0)) as url,
        pytest.raises(StoreError, match="bytes of a file of unknown size") as caught,
    ):
        _fetch(f"{url}/a.txt", small_disk)
    assert "\n" not in str(caught.value)
    assert [path.name for path in small_disk.iterdir()] == ["good"]
    assert (small_disk / "good").read_bytes() == b"good"


def test_a_disk_that_fills_up_during_the_transfer_is_one_line(small_disk, monkeypatch):
    """Simulates another program that takes the space after it was checked."""
    monkeypatch.setattr(disk_space, "_RESERVE_BYTES", -(1 << 30))
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n"
    with (
        raw_server(sends(head + b"line\n" * 4_000_000)) as url,
        pytest.raises(StoreError, match="too full: No space left on device") as caught,
    ):
        _fetch(f"{url}/a.txt", small_disk)
    assert "\n" not in str(caught.value)
    assert not (small_disk / "out").exists()
