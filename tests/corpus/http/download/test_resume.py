"""A broken transfer is resumed, or starts again if that could mix versions."""

import os

import pytest

from tests.corpus.http.fetching import CONTENT, SHA256, sha1_of
from xlm.errors import SourceError


def test_a_transfer_cut_twice_continues_from_each_break(server, new_file, fetcher, paths, waits):
    server.files["/file.bin"] = new_file(CONTENT, hangs_up_after=[1000, 500])
    target, part = paths
    result = fetcher.file(server.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT))
    assert target.read_bytes() == CONTENT
    assert result.sha256 == SHA256
    assert server.ranges() == [None, "bytes=1000-", "bytes=1500-"]
    assert server.requests[1][1]["if-range"] == '"one"'
    assert len(waits) == 2
    assert 0.5 <= waits[0] <= 1.5
    assert 1.0 <= waits[1] <= 3.0


def test_a_later_process_continues_the_part_of_an_earlier_one(server, new_file, fetcher, paths):
    server.files["/file.bin"] = new_file(CONTENT, hangs_up_after=[1000, 0, 0])
    target, part = paths
    with pytest.raises(SourceError, match=r"3 attempts.*the download continues where it stopped"):
        fetcher.file(server.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT))
    assert not target.exists()
    assert part.stat().st_size == 1000
    fetcher.file(server.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT))
    assert target.read_bytes() == CONTENT
    assert server.ranges()[-1] == "bytes=1000-"


def test_a_part_of_another_url_is_not_continued(server, new_file, fetcher, paths):
    server.files["/one"] = new_file(CONTENT, hangs_up_after=[1000, 0, 0])
    server.files["/two"] = new_file(CONTENT[::-1])
    target, part = paths
    with pytest.raises(SourceError):
        fetcher.file(server.url("/one"), target, part=part, digests=sha1_of(CONTENT[::-1]))
    fetcher.file(server.url("/two"), target, part=part, digests=sha1_of(CONTENT[::-1]))
    assert target.read_bytes() == CONTENT[::-1]


def test_a_part_with_a_broken_record_is_not_continued(server, new_file, fetcher, paths):
    server.files["/file.bin"] = new_file(CONTENT)
    target, part = paths
    part.parent.mkdir()
    part.write_bytes(b"half")
    part.with_name("file.part.json").write_text("{")
    fetcher.file(server.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT))
    assert target.read_bytes() == CONTENT


def test_a_complete_part_is_used_without_another_request(server, new_file, fetcher, paths):
    """After a kill between the last byte and the rename, nothing is downloaded again."""
    server.files["/file.bin"] = new_file(CONTENT, hangs_up_after=[10239, 0, 0])
    target, part = paths
    with pytest.raises(SourceError):
        fetcher.file(server.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT))
    with part.open("ab") as file:
        file.write(CONTENT[-1:])
    requests = len(server.requests)
    fetcher.file(server.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT))
    assert target.read_bytes() == CONTENT
    assert len(server.requests) == requests


def test_a_part_longer_than_the_file_starts_again(server, new_file, fetcher, paths):
    server.files["/file.bin"] = new_file(CONTENT, hangs_up_after=[1000, 0, 0])
    target, part = paths
    with pytest.raises(SourceError):
        fetcher.file(server.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT))
    part.write_bytes(CONTENT + b"more")
    fetcher.file(server.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT))
    assert target.read_bytes() == CONTENT


def test_a_server_that_ignores_ranges_starts_at_zero(server, new_file, fetcher, paths):
    server.files["/file.bin"] = new_file(CONTENT, ignores_range=True, hangs_up_after=[1000])
    target, part = paths
    fetcher.file(server.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT))
    assert target.read_bytes() == CONTENT


def test_a_file_that_changed_meanwhile_starts_at_zero(server, new_file, fetcher, paths):
    def change(file):
        if len(server.requests) == 2:
            file.etag, file.content = '"two"', CONTENT[::-1]

    server.files["/file.bin"] = new_file(CONTENT, hangs_up_after=[1000], on_request=change)
    target, part = paths
    fetcher.file(server.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT[::-1]))
    assert target.read_bytes() == CONTENT[::-1]


def test_a_206_of_another_version_is_not_appended(server, new_file, fetcher, paths):
    """A server may ignore If-Range; the ETag of its answer shows the change."""

    def change(file):
        if len(server.requests) == 2:
            file.etag, file.content = '"two"', CONTENT[::-1]
            server.requests[-1][1].pop("if-range")

    server.files["/file.bin"] = new_file(CONTENT, hangs_up_after=[1000], on_request=change)
    target, part = paths
    fetcher.file(server.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT[::-1]))
    assert target.read_bytes() == CONTENT[::-1]
    assert server.ranges() == [None, "bytes=1000-", None]


def test_a_wrong_content_range_is_not_appended(server, new_file, fetcher, paths):
    def repair(file):
        if len(server.requests) == 3:
            file.content_range = None

    server.files["/file.bin"] = new_file(
        CONTENT, hangs_up_after=[1000], content_range="bytes 0-9/10240", on_request=repair
    )
    target, part = paths
    fetcher.file(server.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT))
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_strong_validator_nothing_is_continued(server, new_file, fetcher, paths, etag):
    server.files["/file.bin"] = new_file(CONTENT, etag=etag, hangs_up_after=[1000])
    target, part = paths
    fetcher.file(server.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT))
    assert target.read_bytes() == CONTENT
    assert server.ranges() == [None, None]


def test_a_date_validates_where_the_etag_is_weak(server, new_file, fetcher, paths):
    date = "Sun, 01 Nov 2026 00:00:00 GMT"
    server.files["/file.bin"] = new_file(
        CONTENT, etag=None, last_modified=date, hangs_up_after=[1000]
    )
    target, part = paths
    fetcher.file(server.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT))
    assert server.requests[1][1]["if-range"] == date
    assert target.read_bytes() == CONTENT


def test_restarts_are_limited(server, new_file, fetcher, paths):
    """A server without validators that always closes late is not retried forever."""
    big = b"x" * (3 << 20)
    server.files["/file.bin"] = new_file(big, etag=None, hangs_up_after=[2 << 20] * 50)
    target, part = paths
    with pytest.raises(SourceError, match="3 attempts"):
        fetcher.file(server.url("/file.bin"), target, part=part, digests=sha1_of(big))
    assert not target.exists()


def test_a_transfer_that_advances_may_break_any_number_of_times(server, new_file, fetcher, paths):
    big = os.urandom(6 << 20)
    server.files["/file.bin"] = new_file(big, hangs_up_after=[(1 << 20) + 1] * 5)
    target, part = paths
    fetcher.file(server.url("/file.bin"), target, part=part, digests=sha1_of(big))
    assert target.read_bytes() == big
    assert len(server.requests) == 6
