"""Mirrors are asked in their order; the next one only where that can help."""

import copy
import errno
import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.corpus.http.fetching import zip_of
from xlm.corpus.http.download import disk_space
from xlm.corpus.http.download.fetcher import Fetcher
from xlm.corpus.http.verification.pins import Pin
from xlm.corpus.sources.download import download
from xlm.corpus.sources.lock import LockedFile, SourcesLock, write_lock
from xlm.corpus.sources.mirrors import ask_mirrors, changed_in_mirrors
from xlm.errors import AccessError, ChecksumError, ServerError, SourceError, StoreError
from xlm.stages.data.download import DOWNLOAD

TEXT = "/host.example/corpus/plain.en.txt"
DUMP = "/dumps.wikimedia.org/swwiki/20261101/swwiki-20261101-pages-articles-multistream.xml.bz2"
NOBODY = "http://127.0.0.1:9"
ZIP = "/host.example/corpus.zip"


@pytest.fixture
def broken(network, other_server):
    """A copy of the network, to be damaged."""
    other_server.files |= copy.deepcopy(network.files)
    return other_server


@pytest.fixture
def fetch(configured, make_context, tmp_path):
    """Downloads a unit from mirrors; returns its bytes, its result and its key."""

    def run(unit, mirrors, **sources):
        config = configured(mirrors=mirrors, **sources)
        chosen = DOWNLOAD.slice(config, unit)
        context = replace(make_context(chosen, unit), pins=tmp_path / "pins")
        result = download(context, chosen.mirrors)
        (file,) = (one for one in context.out.iterdir() if one.is_file())
        return file.read_bytes(), result, chosen.key_fields()

    return run


def _answers(status):
    return lambda file: setattr(file, "answers", [(status, {})] * 9)


def _other_bytes(file):
    file.content = file.content[:-9] + b"123456789"


FAULTS = {
    "404": _answers(404),
    "410": _answers(410),
    "403": _answers(403),
    "500": _answers(500),
    "503": _answers(503),
    "wrong checksum": _other_bytes,
    "page": lambda file: setattr(file, "content", b"<html><title>No</title></html>"),
    "cut": lambda file: setattr(file, "hangs_up_after", [10] * 9),
    "empty": lambda file: setattr(file, "content", b""),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("unit", "path"), [("plain.en", TEXT), ("wikipedia.sw", DUMP)])
def test_the_second_mirror_serves_what_the_first_cannot(
    network, broken, fetch, tmp_path, caplog, unit, path, fault
):
    content = network.files[path].content
    if unit == "plain.en":  # it has no published checksum
        sha256, path_of_lock = hashlib.sha256(content).hexdigest(), tmp_path / "my.lock.yaml"
        entry = {"url": f"https:/{path}", "size_bytes": len(content), "sha256": sha256}
        lock = SourcesLock(downloads={unit: LockedFile(**entry, date="2026-11-28")})
        write_lock(path_of_lock, lock, "A lock.")
        sources = {"lock": str(path_of_lock)}
    else:
        sources = {}
    FAULTS[fault](broken.files[path])
    found, result, key = fetch(unit, [broken.base_url, network.base_url], **sources)
    assert found == content
    assert result.measured == {"mirror": network.base_url}
    assert f"{broken.base_url}: " in caplog.text
    _, direct, same_key = fetch(unit, [network.base_url], **sources)
    assert (result.sources, key) == (direct.sources, same_key)


@pytest.mark.parametrize("first", ["nobody", "no folder", "empty folder", "no status"])
def test_a_mirror_that_is_away_or_lacks_the_file_is_passed_over(
    network, broken, fetch, tmp_path, caplog, first
):
    (tmp_path / "empty").mkdir()
    broken.files.clear()
    mirrors = {"nobody": NOBODY, "no folder": str(tmp_path / "none"), "no status": broken.base_url}
    mirror = mirrors.get(first, str(tmp_path / "empty"))
    found, result, _ = fetch("wikipedia.sw", [mirror, network.base_url])
    assert found == network.files[DUMP].content
    assert result.measured == {"mirror": network.base_url}
    reason = {"nobody": "refused", "no folder": "there is no such folder"}
    assert reason.get(first, "dump of 20261101 is not on the server") in caplog.text


@pytest.mark.parametrize("fault", [errno.EIO, errno.EACCES])
@pytest.mark.parametrize("name", ["open", "is_dir"])
def test_a_folder_that_cannot_be_read_is_passed_over(
    network, fetch, tmp_path, caplog, monkeypatch, name, fault
):
    path = tmp_path / "disk" / TEXT.lstrip("/")
    path.parent.mkdir(parents=True)
    path.write_bytes(network.files[TEXT].content)
    method = getattr(Path, name)

    def fails(self, *given, **options):
        if self == path:
            raise OSError(fault, os.strerror(fault), str(self))
        return method(self, *given, **options)

    monkeypatch.setattr(Path, name, fails)
    disk = str(tmp_path / "disk")
    found, result, _ = fetch("plain.en", [disk, network.base_url])
    assert (found, result.measured) == (network.files[TEXT].content, {"mirror": network.base_url})
    assert f"{disk}: ReadError: [Errno {fault}] {os.strerror(fault)}" in caplog.text
    with pytest.raises(ServerError, match="ReadError") as caught:
        fetch("plain.en", [disk])
    assert "\n" not in str(caught.value)


def test_the_first_mirror_that_works_is_the_only_one_asked(network, broken, fetch):
    _, result, _ = fetch("plain.en", [broken.base_url, network.base_url])
    assert result.measured == {"mirror": broken.base_url}
    assert network.requests == []


def test_the_mirror_comes_before_the_mirrors(configured):
    config = configured(mirror="/a", mirrors=["/b", "/a", "http://c"])
    assert config.sources.all_mirrors == ("/a", "/b", "http://c")
    assert DOWNLOAD.slice(config, "plain.en").mirrors == ("/a", "/b", "http://c")
    assert configured(mirrors="/b").sources.all_mirrors == ("/b",)


def test_a_missing_password_is_no_reason_to_ask_another_mirror(network, broken, fetch):
    broken.files[TEXT].answers = [(401, {})] * 9
    with pytest.raises(AccessError, match=r"answered 401.*XLM_CREDENTIALS"):
        fetch("plain.en", [broken.base_url, network.base_url])
    assert network.requests == []


def test_a_full_disk_is_no_reason_to_ask_another_mirror(network, broken, fetch, monkeypatch):
    monkeypatch.setattr(disk_space, "_RESERVE_BYTES", 1 << 62)
    with pytest.raises(StoreError, match="too full"):
        fetch("plain.en", [broken.base_url, network.base_url])
    assert network.requests == []


def test_if_all_fail_one_line_names_each_with_its_reason(network, broken, fetch, tmp_path, caplog):
    broken.files[TEXT].answers = [(404, {})]
    network.files[TEXT].content = b"<html><title>Log in</title></html>"
    secret = "http://me:cAnArY@127.0.0.1:9"
    with pytest.raises(ServerError) as caught:
        fetch("plain.en", [str(tmp_path / "none"), broken.base_url, secret, network.base_url])
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("plain.en.txt: no mirror of 4 serves it: ")
    for part in (
        f"{tmp_path / 'none'}: there is no such folder; ",
        f"{broken.base_url}: the server answered 404 Not Found; ",
        "http://***@127.0.0.1:9: ConnectError: ",
        f"{network.base_url}: the server sent a web page, instead of the file ('Log in')",
    ):
        assert part in message
    assert "cAnArY" not in message + caplog.text


def test_if_all_serve_other_bytes_it_is_a_wrong_checksum(network, broken, fetch):
    for one in (network, broken):
        _other_bytes(one.files[DUMP])
    with pytest.raises(ChecksumError, match="no mirror of 2 serves it"):
        fetch("wikipedia.sw", [broken.base_url, network.base_url])


def _cut(broken, after):
    """The file is cut, and then its server fails, in all further attempts."""
    broken.files[DUMP].hangs_up_after = [after, 0, 0, 0]


def test_another_mirror_continues_a_file_whose_checksum_is_known(network, broken, fetch):
    _cut(broken, 5000)
    found, _, _ = fetch("wikipedia.sw", [broken.base_url, network.base_url])
    content = network.files[DUMP].content
    assert found == content
    of_dump = [headers.get("range") for path, headers in network.requests if path == DUMP]
    assert of_dump == ["bytes=5000-"]


def test_another_version_is_not_continued(network, broken, fetch):
    _cut(broken, 5000)
    broken.files[DUMP].etag = '"other"'
    found, _, _ = fetch("wikipedia.sw", [broken.base_url, network.base_url])
    assert found == network.files[DUMP].content


def test_wrong_bytes_of_the_first_mirror_are_not_blamed_on_the_second(network, broken, fetch):
    _cut(broken, 5000)
    broken.files[DUMP].content = bytes(len(broken.files[DUMP].content))
    found, result, _ = fetch("wikipedia.sw", [broken.base_url, network.base_url])
    assert found == network.files[DUMP].content
    assert result.measured == {"mirror": network.base_url}
    ranges = [headers.get("range") for path, headers in network.requests if path == DUMP]
    assert ranges == ["bytes=5000-", None]


def test_the_head_of_a_dump_is_not_continued_from_another_mirror(network, broken, fetch):
    _cut(broken, 5000)
    broken.files[DUMP].content = bytes(len(broken.files[DUMP].content))
    mirrors, sources = [broken.base_url, network.base_url], {"wikipedia": {"head_bytes": 10_000}}
    found, result, _ = fetch("wikipedia.sw", mirrors, **sources)
    assert network.files[DUMP].content.startswith(found)
    assert len(found) > 5000
    assert result.measured == {"mirror": network.base_url}
    ranges = [headers.get("range") for path, headers in network.requests if path == DUMP]
    assert ranges == ["bytes=0-9999"]


def test_a_mirror_that_sends_wrong_bytes_afresh_is_asked_once(network, broken, fetch):
    _cut(broken, 5000)
    network.files[DUMP].etag = '"other"'
    _other_bytes(network.files[DUMP])
    with pytest.raises(SourceError, match="no mirror of 2 serves it"):
        fetch("wikipedia.sw", [broken.base_url, network.base_url])
    assert [path for path, _ in network.requests].count(DUMP) == 1


@pytest.mark.parametrize("is_known", [False, True])
def test_without_a_checksum_no_mirror_continues_the_file_of_another(
    network, broken, new_file, configured, tmp_path, is_known
):
    content = zip_of()
    for one in (network, broken):
        one.files[ZIP] = new_file(content)
    broken.files[ZIP].hangs_up_after = [50, 0, 0]
    pin = Pin(tmp_path, len(content), hashlib.sha256(content).hexdigest(), "2026-11-28")
    settings = configured().sources.network

    def ask(client, mirror):
        fetcher = Fetcher(client, settings, lambda seconds: None)
        part, target = tmp_path / "part", tmp_path / "target"
        fetcher.file(f"https:/{ZIP}", target, part=part, pin=pin if is_known else None)
        return target.read_bytes()

    served = ask_mirrors("corpus.zip", [broken.base_url, network.base_url], settings, ask)
    assert served.result == content
    assert network.ranges() == (["bytes=50-"] if is_known else [None])


def test_the_reasons_of_an_unusable_proxy_are_not_collected(fetch, network, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "gopher://proxy")
    with pytest.raises(Exception, match="gopher proxies are not supported") as caught:
        fetch("plain.en", [NOBODY, network.base_url])
    assert not isinstance(caught.value, SourceError)


def test_a_changed_size_in_a_folder_is_reported(tmp_path):
    url = "https://host.example/a/corpus%20one.bin"
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    path = tmp_path / "second" / "host.example" / "a" / "corpus one.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"new")
    manifest = {"counts": {"host_bytes": 2048}, "sources": [{"address": url}]}
    reason = "corpus one.bin in the mirror now has 3 bytes, not 2,048"
    assert changed_in_mirrors([second], manifest) == reason
    assert changed_in_mirrors([first, second], manifest) == reason
    assert changed_in_mirrors([], manifest) is None
    # A server that is asked before the folder may have served it.
    assert changed_in_mirrors(["https://mirror.example", second], manifest) is None
    assert changed_in_mirrors([second], {"sources": [{"address": url}]}) is None
    path.write_bytes(bytes(2048))
    assert changed_in_mirrors([second], manifest) is None
    path.unlink()
    assert changed_in_mirrors([second], manifest) is None


def test_a_cut_file_in_one_folder_is_no_change_if_another_has_the_recorded_one(tmp_path):
    url, mirrors = "https://host.example/a.bin", []
    for name, content in (("cut", b"new"), ("good", bytes(2048))):
        path = tmp_path / name / "host.example" / "a.bin"
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        mirrors.append(str(tmp_path / name))
    manifest = {"counts": {"host_bytes": 2048}, "sources": [{"address": url}]}
    assert changed_in_mirrors(mirrors, manifest) is None
    assert changed_in_mirrors([mirrors[0], "https://mirror.example"], manifest) is None
    path.write_bytes(b"other")
    reason = "a.bin in the mirror now has 3 bytes, not 2,048"
    assert changed_in_mirrors(mirrors, manifest) == reason
