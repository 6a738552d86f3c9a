"""A mirror, in a folder or at a URL, answers as the real servers do."""

import hashlib

import pytest

from xlm.config.data.sources import NetworkConfig
from xlm.corpus.http.client import open_client
from xlm.corpus.http.download.fetcher import Fetcher
from xlm.corpus.http.mirror import mirror_path
from xlm.corpus.http.ranges import parse_content_range, parse_range, range_header, strong_validator
from xlm.errors import ConfigError, SourceError

URL = "https://host.example/a/corpus%20one.bin"
CONTENT = bytes(range(256)) * 8


@pytest.fixture
def mirror(tmp_path):
    folder = tmp_path / "mirror"
    (folder / "host.example" / "a").mkdir(parents=True)
    (folder / "host.example" / "a" / "corpus one.bin").write_bytes(CONTENT)
    return folder


def _client(mirror):
    return open_client(str(mirror), NetworkConfig())


def test_a_folder_replaces_a_server(mirror, tmp_path):
    with _client(mirror) as client:
        fetched = Fetcher(client, NetworkConfig()).file(
            URL, tmp_path / "got", part=tmp_path / "part"
        )
    assert (tmp_path / "got").read_bytes() == CONTENT
    assert fetched.complete_bytes == len(CONTENT)


def test_a_folder_serves_the_head_of_a_file(mirror, tmp_path):
    with _client(mirror) as client:
        fetched = Fetcher(client, NetworkConfig()).file(
            URL, tmp_path / "got", part=tmp_path / "part", head_bytes=100
        )
    assert (tmp_path / "got").read_bytes() == CONTENT[:100]
    assert (fetched.size_bytes, fetched.complete_bytes) == (100, len(CONTENT))


def test_a_folder_supports_ranges_and_validators(mirror):
    with _client(mirror) as client:
        complete = client.get(URL)
        tag = complete.headers["ETag"]
        part = client.get(URL, headers={"Range": "bytes=10-19", "If-Range": tag})
        assert (part.status_code, part.content) == (206, CONTENT[10:20])
        assert part.headers["Content-Range"] == "bytes 10-19/2048"
        changed = client.get(URL, headers={"Range": "bytes=10-19", "If-Range": '"other"'})
        assert (changed.status_code, changed.content) == (200, CONTENT)
        beyond = client.get(URL, headers={"Range": "bytes=2048-"})
        assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, "bytes */2048")


def test_a_folder_lists_its_entries(mirror):
    with _client(mirror) as client:
        assert 'href="a/"' in client.get("https://host.example/").text
        assert 'href="corpus one.bin"' in client.get("https://host.example/a/").text


def test_what_is_not_in_the_folder_is_not_found(mirror, tmp_path):
    with _client(mirror) as client, pytest.raises(SourceError, match="answered 404"):
        Fetcher(client, NetworkConfig()).file(
            "https://host.example/b", tmp_path / "got", part=tmp_path / "part"
        )


def test_no_url_reaches_outside_the_folder(mirror):
    (mirror.parent / "secret").write_text("secret")
    with _client(mirror) as client:
        for path in ("..%2F..%2Fsecret", "%2E%2E/%2E%2E/secret"):
            assert client.get(f"https://host.example/{path}").status_code == 404


def test_a_mirror_at_a_url_replaces_all_servers(server, new_file, tmp_path):
    server.files["/m/host.example/a?x=1"] = new_file(CONTENT, hangs_up_after=[100])
    mirror, target = server.url("/m/"), tmp_path / "got"
    with open_client(mirror, NetworkConfig(first_wait_seconds=0)) as client:
        fetcher = Fetcher(client, NetworkConfig(first_wait_seconds=0))
        fetcher.file(
            "https://host.example/a?x=1",
            target,
            part=tmp_path / "part",
            digests={"md5": hashlib.md5(CONTENT).hexdigest()},
        )
    assert target.read_bytes() == CONTENT
    assert server.ranges() == [None, "bytes=100-"]
    assert server.requests[0][1]["host"] in mirror


def test_redirects_of_a_mirror_are_followed_unchanged(server, new_file):
    server.files["/host.example/old"] = new_file(b"", answers=[(302, {"Location": "/new"})])
    server.files["/host.example/new"] = new_file(b"relative")
    absolute = {"Location": server.url("/elsewhere")}
    server.files["/host.example/far"] = new_file(b"", answers=[(302, absolute)])
    server.files["/elsewhere"] = new_file(b"absolute")
    with open_client(server.base_url, NetworkConfig()) as client:
        fetcher = Fetcher(client, NetworkConfig())
        assert fetcher.text("https://host.example/old") == "relative"
        assert fetcher.text("https://host.example/far") == "absolute"


def test_a_mirror_that_is_no_folder_or_url_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="there is no folder"):
        open_client(str(tmp_path / "nothing"), NetworkConfig())
    with pytest.raises(ConfigError, match="cannot read s3://"):
        open_client("s3://bucket/mirror", NetworkConfig())


def test_a_file_url_is_a_folder(mirror):
    assert mirror_path(mirror.as_uri(), URL) == mirror_path(str(mirror), URL)
    assert mirror_path("http://mirror.example", URL) is None


def test_range_headers_are_read_and_written():
    assert range_header(5, None) == "bytes=5-"
    assert range_header(5, 10) == "bytes=5-9"
    assert parse_range("bytes=5-9", 8) == (5, 8)
    assert parse_range("bytes=5-", 8) == (5, 8)
    assert parse_range("lines=1-2", 8) == (0, 8)
    assert parse_content_range("bytes 5-9/20") == (5, 10, 20)
    assert parse_content_range("bytes */20") is None
    assert strong_validator('"a"', "date") == '"a"'
    assert strong_validator('W/"a"', "date") == "date"
    assert strong_validator(None, None) == ""
