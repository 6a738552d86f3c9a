"""Fetching goes on where a transfer broke off, or starts again where that could mix versions."""

import os

import pytest

from tests.corpus.http.transfers import CONTENT, SHA256, sha1_of
from xlm.errors import SourceError


def test_a_transfer_cut_twice_continues_where_it_broke_off(host, new_file, fetcher, places, waits):
    host.files["/file.bin"] = new_file(CONTENT, hangs_up_after=[1000, 500])
    target, part = places
    result = fetcher.file(host.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT))
    assert target.read_bytes() == CONTENT
    assert result.sha256 == SHA256
    assert host.ranges() == [None, "bytes=1000-", "bytes=1500-"]
    assert host.requests[1][1]["if-range"] == '"one"'
    assert len(waits) == 2
    assert 0.5 <= waits[0] <= 1.5
    assert 1.0 <= waits[1] <= 3.0


def test_a_later_process_continues_the_part_of_an_earlier_one(host, new_file, fetcher, places):
    host.files["/file.bin"] = new_file(CONTENT, hangs_up_after=[1000, 0, 0])
    target, part = places
    with pytest.raises(SourceError, match=r"3 attempts.*what can be continued is kept"):
        fetcher.file(host.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT))
    assert not target.exists()
    assert part.stat().st_size == 1000
    fetcher.file(host.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT))
    assert target.read_bytes() == CONTENT
    assert host.ranges()[-1] == "bytes=1000-"


def test_a_part_of_another_address_is_not_continued(host, new_file, fetcher, places):
    host.files["/one"] = new_file(CONTENT, hangs_up_after=[1000, 0, 0])
    host.files["/two"] = new_file(CONTENT[::-1])
    target, part = places
    with pytest.raises(SourceError):
        fetcher.file(host.url("/one"), target, part=part, digests=sha1_of(CONTENT[::-1]))
    fetcher.file(host.url("/two"), target, part=part, digests=sha1_of(CONTENT[::-1]))
    assert target.read_bytes() == CONTENT[::-1]


def test_a_part_whose_record_is_broken_is_not_continued(host, new_file, fetcher, places):
    host.files["/file.bin"] = new_file(CONTENT)
    target, part = places
    part.parent.mkdir()
    part.write_bytes(b"half")
    part.with_name("file.part.json").write_text("{")
    fetcher.file(host.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT))
    assert target.read_bytes() == CONTENT


def test_a_complete_part_is_named_without_asking_again(host, new_file, fetcher, places):
    """A process killed between the last byte and the rename must not fetch it all again."""
    host.files["/file.bin"] = new_file(CONTENT, hangs_up_after=[10239, 0, 0])
    target, part = places
    with pytest.raises(SourceError):
        fetcher.file(host.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT))
    with part.open("ab") as file:
        file.write(CONTENT[-1:])
    asked = len(host.requests)
    fetcher.file(host.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT))
    assert target.read_bytes() == CONTENT
    assert len(host.requests) == asked


def test_a_part_longer_than_the_file_starts_again(host, new_file, fetcher, places):
    host.files["/file.bin"] = new_file(CONTENT, hangs_up_after=[1000, 0, 0])
    target, part = places
    with pytest.raises(SourceError):
        fetcher.file(host.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT))
    part.write_bytes(CONTENT + b"more")
    fetcher.file(host.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT))
    assert target.read_bytes() == CONTENT


def test_a_host_that_ignores_ranges_is_taken_from_zero(host, new_file, fetcher, places):
    host.files["/file.bin"] = new_file(CONTENT, ignores_range=True, hangs_up_after=[1000])
    target, part = places
    fetcher.file(host.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT))
    assert target.read_bytes() == CONTENT


def test_a_file_that_changed_meanwhile_is_taken_from_zero(host, new_file, fetcher, places):
    def change(file):
        if len(host.requests) == 2:
            file.etag, file.content = '"two"', CONTENT[::-1]

    host.files["/file.bin"] = new_file(CONTENT, hangs_up_after=[1000], on_request=change)
    target, part = places
    fetcher.file(host.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT[::-1]))
    assert target.read_bytes() == CONTENT[::-1]


def test_a_206_of_another_version_is_not_appended(host, new_file, fetcher, places):
    """A host may ignore If-Range: its ETag in the answer tells."""

    def change(file):
        if len(host.requests) == 2:
            file.etag, file.content = '"two"', CONTENT[::-1]
            host.requests[-1][1].pop("if-range")

    host.files["/file.bin"] = new_file(CONTENT, hangs_up_after=[1000], on_request=change)
    target, part = places
    fetcher.file(host.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT[::-1]))
    assert target.read_bytes() == CONTENT[::-1]
    assert host.ranges() == [None, "bytes=1000-", None]


def test_a_wrong_content_range_is_not_appended(host, new_file, fetcher, places):
    def mend(file):
        if len(host.requests) == 3:
            file.content_range = None

    host.files["/file.bin"] = new_file(
        CONTENT, hangs_up_after=[1000], content_range="bytes 0-9/10240", on_request=mend
    )
    target, part = places
    fetcher.file(host.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT))
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_strong_validator_nothing_is_continued(host, new_file, fetcher, places, etag):
    host.files["/file.bin"] = new_file(CONTENT, etag=etag, hangs_up_after=[1000])
    target, part = places
    fetcher.file(host.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT))
    assert target.read_bytes() == CONTENT
    assert host.ranges() == [None, None]


def test_a_date_validates_where_the_etag_is_weak(host, new_file, fetcher, places):
    date = "Sun, 01 Nov 2026 00:00:00 GMT"
    host.files["/file.bin"] = new_file(
        CONTENT, etag=None, last_modified=date, hangs_up_after=[1000]
    )
    target, part = places
    fetcher.file(host.url("/file.bin"), target, part=part, digests=sha1_of(CONTENT))
    assert host.requests[1][1]["if-range"] == date
    assert target.read_bytes() == CONTENT


def test_endless_restarts_end(host, new_file, fetcher, places):
    """A host without validator that always hangs up late must not be asked for ever."""
    big = b"x" * (3 << 20)
    host.files["/file.bin"] = new_file(big, etag=None, hangs_up_after=[2 << 20] * 50)
    target, part = places
    with pytest.raises(SourceError, match="3 attempts"):
        fetcher.file(host.url("/file.bin"), target, part=part, digests=sha1_of(big))
    assert not target.exists()


def test_advancing_transfers_may_break_often(host, new_file, fetcher, places):
    big = os.urandom(6 << 20)
    host.files["/file.bin"] = new_file(big, hangs_up_after=[(1 << 20) + 1] * 5)
    target, part = places
    fetcher.file(host.url("/file.bin"), target, part=part, digests=sha1_of(big))
    assert target.read_bytes() == big
    assert len(host.requests) == 6
