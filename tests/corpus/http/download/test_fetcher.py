"""A download is complete or absent, whatever the server does."""

import errno
import hashlib
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.corpus.http.fetching import CONTENT, SHA256, RecordedProgress
from xlm.config.data.sources import NetworkConfig
from xlm.corpus.http.client import open_client
from xlm.corpus.http.download import disk_space
from xlm.corpus.http.download.fetcher import Fetcher
from xlm.corpus.http.download.partial_file import PartialFile
from xlm.errors import ChecksumError, SourceError, StoreError


def test_a_file_arrives_complete_with_its_digest_and_progress(server, new_file, fetcher, paths):
    server.files["/file.bin"] = new_file(CONTENT)
    fetcher.progress = progress = RecordedProgress()
    target, part = paths
    result = fetcher.file(
        server.url("/file.bin"),
        target,
        part=part,
        digests={"sha1": hashlib.sha1(CONTENT).hexdigest().upper()},
    )
    assert target.read_bytes() == CONTENT
    assert (result.size_bytes, result.complete_bytes, result.sha256) == (10240, 10240, SHA256)
    assert progress.updates[-1] == (10240, 10240, "bytes", "file.bin")
    assert list(part.parent.iterdir()) == []
    assert server.requests[0][1]["accept-encoding"] == "identity"
    assert server.requests[0][1]["user-agent"].startswith("xlm-pipeline/")


@pytest.mark.parametrize("status", [404, 410, 403])
def test_a_refusal_is_not_retried(server, new_file, fetcher, paths, waits, status):
    server.files["/file.bin"] = new_file(CONTENT, answers=[(status, {})])
    target, part = paths
    with pytest.raises(SourceError, match=f"answered {status}"):
        fetcher.file(server.url("/file.bin"), target, part=part)
    assert (len(server.requests), waits) == (1, [])
    assert not target.exists()


def test_the_wait_that_a_busy_server_requests_is_kept(server, new_file, fetcher, paths, waits):
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    server.files["/file.bin"] = new_file(
        CONTENT, answers=[(429, {"Retry-After": "77"}), (503, {"Retry-After": later})]
    )
    target, part = paths
    fetcher.file(server.url("/file.bin"), target, part=part)
    assert target.read_bytes() == CONTENT
    assert waits[0] == 77
    assert 55 <= waits[1] <= 60


@pytest.mark.parametrize(
    ("requested", "least", "most"),
    [("100000", 120, 120), ("soon", 0.5, 1.5), ("Sun Nov  1 00:00:00 2026", 0.5, 1.5)],
)
def test_a_server_cannot_make_us_wait_longer_than_configured(
    server, new_file, fetcher, paths, waits, requested, least, most
):
    server.files["/file.bin"] = new_file(CONTENT, answers=[(503, {"Retry-After": requested})])
    target, part = paths
    fetcher.file(server.url("/file.bin"), target, part=part)
    assert least <= waits[0] <= most


def test_a_server_that_stays_down_is_one_line(fetcher, paths, waits):
    target, part = paths
    with pytest.raises(SourceError, match=r"3 attempts\); run again later") as caught:
        fetcher.file("http://127.0.0.1:9/file.bin", target, part=part)
    assert "\n" not in str(caught.value)
    assert len(waits) == 2


def test_a_wrong_checksum_is_an_error_at_once_and_leaves_nothing(
    server, new_file, fetcher, paths, waits
):
    server.files["/file.bin"] = new_file(CONTENT)
    target, part = paths
    with pytest.raises(ChecksumError, match=r"sha1 is .* published 00"):
        fetcher.file(server.url("/file.bin"), target, part=part, digests={"sha1": "00"})
    assert not target.exists()
    assert not part.exists()
    assert waits == []


def test_the_digest_covers_bytes_of_all_attempts(server, new_file, fetcher, paths):
    server.files["/file.bin"] = new_file(CONTENT, hangs_up_after=[1000, 5000])
    target, part = paths
    md5 = hashlib.md5(CONTENT).hexdigest()
    fetcher.file(server.url("/file.bin"), target, part=part, digests={"md5": md5})
    assert target.read_bytes() == CONTENT


@pytest.mark.slow
def test_a_head_is_exactly_the_first_bytes(server, new_file, fetcher, paths):
    server.files["/file.bin"] = new_file(CONTENT, hangs_up_after=[500])
    target, part = paths
    result = fetcher.file(
        server.url("/file.bin"), target, part=part, head_bytes=1234, digests={"sha1": "not checked"}
    )
    assert target.read_bytes() == CONTENT[:1234]
    assert (result.size_bytes, result.complete_bytes) == (1234, 10240)
    assert server.ranges() == ["bytes=0-1233", "bytes=500-1233"]


def test_a_head_from_a_server_without_ranges_stops_in_time(server, new_file, fetcher, paths):
    server.files["/file.bin"] = new_file(CONTENT, ignores_range=True)
    target, part = paths
    result = fetcher.file(server.url("/file.bin"), target, part=part, head_bytes=1234)
    assert target.read_bytes() == CONTENT[:1234]
    assert result.complete_bytes == 10240


def test_a_file_shorter_than_its_head_is_complete_and_verified(server, new_file, fetcher, paths):
    server.files["/file.bin"] = new_file(CONTENT)
    target, part = paths
    with pytest.raises(ChecksumError):
        fetcher.file(
            server.url("/file.bin"), target, part=part, head_bytes=99_999, digests={"sha1": "00"}
        )
    result = fetcher.file(server.url("/file.bin"), target, part=part, head_bytes=99_999)
    assert result.size_bytes == result.complete_bytes == 10240


def test_an_empty_file_has_no_head(server, new_file, fetcher, paths):
    server.files["/file.bin"] = new_file(b"")
    target, part = paths
    with pytest.raises(SourceError, match="the server refuses range requests"):
        fetcher.file(server.url("/file.bin"), target, part=part, head_bytes=10_000)


def test_an_empty_file_arrives_if_its_digest_is_published(server, new_file, fetcher, paths):
    server.files["/file.bin"] = new_file(b"")
    target, part = paths
    with pytest.raises(SourceError, match="the server sent an empty file"):
        fetcher.file(server.url("/file.bin"), target, part=part)
    digests = {"md5": hashlib.md5(b"").hexdigest()}
    fetched = fetcher.file(server.url("/file.bin"), target, part=part, digests=digests)
    assert fetched.size_bytes == 0
    assert target.read_bytes() == b""


def test_a_body_without_length_ends_with_the_connection(server, new_file, fetcher, paths):
    server.files["/file.bin"] = new_file(CONTENT, no_length=True)
    target, part = paths
    assert fetcher.file(server.url("/file.bin"), target, part=part).complete_bytes == 10240
    assert target.read_bytes() == CONTENT


def test_an_encoded_body_is_refused(server, new_file, fetcher, paths):
    """Stored unchanged, it would be gzip named as a text; decoded, its size is unknown."""
    server.files["/file.bin"] = new_file(CONTENT, headers={"Content-Encoding": "gzip"})
    target, part = paths
    with pytest.raises(SourceError, match="encoded as gzip"):
        fetcher.file(server.url("/file.bin"), target, part=part)


def test_a_transfer_that_is_too_slow_is_cut(server, new_file, paths, waits):
    server.files["/file.bin"] = new_file(CONTENT[:100], seconds_per_byte=0.02)
    network = NetworkConfig(attempts=1, timeout_seconds=0.2)
    target, part = paths
    with (
        open_client(None, network) as client,
        pytest.raises(SourceError, match=r"only \d+ bytes in 0 s"),
    ):
        Fetcher(client, network, waits.append).file(server.url("/file.bin"), target, part=part)


def test_a_silent_server_times_out(server, new_file, paths, waits):
    server.files["/file.bin"] = new_file(CONTENT, seconds=0.4)
    network = NetworkConfig(attempts=1, timeout_seconds=0.1)
    target, part = paths
    with open_client(None, network) as client, pytest.raises(SourceError, match="ReadTimeout"):
        Fetcher(client, network, waits.append).file(server.url("/file.bin"), target, part=part)


def test_an_unusable_url_is_not_retried(fetcher, paths, waits):
    target, part = paths
    with pytest.raises(SourceError, match="check the URL"):
        fetcher.file("gopher://host/file", target, part=part)
    assert waits == []


def test_at_most_two_connections_per_server(server, new_file, fetcher, tmp_path):
    for number in range(8):
        server.files[f"/{number}"] = new_file(CONTENT, seconds=0.1)
    threads = [
        threading.Thread(
            target=fetcher.file,
            args=(server.url(f"/{number}"), tmp_path / str(number)),
            kwargs={"part": tmp_path / f"{number}.part"},
        )
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.most_at_once == 2
    assert all((tmp_path / str(number)).read_bytes() == CONTENT for number in range(8))


def test_a_full_disk_is_reported_before_the_transfer(server, new_file, fetcher, paths, monkeypatch):
    server.files["/file.bin"] = new_file(CONTENT)
    monkeypatch.setattr(disk_space, "_RESERVE_BYTES", 1 << 62)
    target, part = paths
    with pytest.raises(StoreError, match=r"too full: 10,240 bytes are needed, [\d,]+ are free"):
        fetcher.file(server.url("/file.bin"), target, part=part)
    assert not target.exists()


def test_a_disk_that_fills_up_keeps_what_arrived(server, new_file, fetcher, paths, monkeypatch):
    server.files["/file.bin"] = new_file(CONTENT)

    def full(self, chunk):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(PartialFile, "append", full)
    target, part = paths
    with pytest.raises(StoreError, match="No space left"):
        fetcher.file(server.url("/file.bin"), target, part=part)
    assert not target.exists()


def test_other_disk_errors_are_not_hidden(server, new_file, fetcher, paths, monkeypatch):
    server.files["/file.bin"] = new_file(CONTENT)

    def broken(self, chunk):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(PartialFile, "append", broken)
    target, part = paths
    with pytest.raises(OSError, match="Input/output"):
        fetcher.file(server.url("/file.bin"), target, part=part)


def test_a_text_is_read_and_a_missing_one_is_none(server, new_file, fetcher):
    server.files["/status"] = new_file("größer".encode(), answers=[(503, {})])
    assert fetcher.text(server.url("/status")) == "größer"
    assert fetcher.text(server.url("/nothing")) is None


def test_a_text_that_is_too_long_is_refused(server, new_file, fetcher):
    server.files["/status"] = new_file(b"x" * (17 << 20))
    with pytest.raises(SourceError, match="; expected a short text"):
        fetcher.text(server.url("/status"))


def test_the_folders_of_target_and_part_are_created(fetcher, server, new_file, tmp_path):
    server.files["/file.bin"] = new_file(CONTENT)
    target = tmp_path / "deep" / "er" / "file.bin"
    fetcher.file(server.url("/file.bin"), target, part=tmp_path / "a" / "b" / "file.part")
    assert Path(target).read_bytes() == CONTENT
