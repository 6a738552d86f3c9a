"""Downloads onto a disk that is too small: a real tmpfs, skipped where nothing may be mounted."""

import subprocess

import pytest

from tests.corpus.http.raw_server import raw_server, sends, trickles
from xlm.config.data.sources import NetworkConfig
from xlm.corpus.http import fetch
from xlm.corpus.http.fetch import Fetcher
from xlm.corpus.http.mirror import open_client
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


def test_a_body_without_end_leaves_the_disk_free(small_disk, monkeypatch):
    monkeypatch.setattr(fetch, "_RESERVE_BYTES", 2 << 20)
    monkeypatch.setattr(fetch, "_SPACE_STEP_BYTES", 1 << 20)
    (small_disk / "good").write_bytes(b"good")
    with (
        raw_server(trickles(b"HTTP/1.1 200 OK\r\n\r\n", b"line\n" * 50_000, 0)) as url,
        pytest.raises(StoreError, match="whose size the host does not give") as caught,
    ):
        _fetch(f"{url}/a.txt", small_disk)
    assert "\n" not in str(caught.value)
    assert [path.name for path in small_disk.iterdir()] == ["good"]
    assert (small_disk / "good").read_bytes() == b"good"


def test_a_disk_that_is_full_in_the_middle_is_one_line(small_disk, monkeypatch):
    """As if another program had taken the space after it was checked."""
    monkeypatch.setattr(fetch, "_RESERVE_BYTES", -(1 << 30))
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n"
    with (
        raw_server(sends(head + b"line\n" * 4_000_000)) as url,
        pytest.raises(StoreError, match="too full: No space left on device") as caught,
    ):
        _fetch(f"{url}/a.txt", small_disk)
    assert "\n" not in str(caught.value)
    assert not (small_disk / "out").exists()
