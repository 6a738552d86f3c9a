"""A mirror that was filled from the network replaces it, byte for byte."""

import json
from pathlib import Path

import pytest

from xlm.config.data.downloads import spec_of
from xlm.corpus.http.client import open_client
from xlm.corpus.http.download.fetcher import Fetcher
from xlm.corpus.sources.download import download
from xlm.corpus.sources.lock import LockedFile, SourcesLock, read_lock
from xlm.corpus.sources.mirror_copy import RECORD, MirrorCopy
from xlm.errors import ChecksumError, ConfigError, ServerError, SourceError
from xlm.stages.data.download import DOWNLOAD

TEXT = "host.example/corpus/plain.en.txt"
DUMP = "dumps.wikimedia.org/swwiki/20261101/swwiki-20261101-pages-articles-multistream.xml.bz2"
HEAD = {"wikipedia": {"head_bytes": 10_000}}


@pytest.fixture
def copy(network, configured, tmp_path):
    """Copies a download to the mirror; the loopback server is the network."""

    def run(unit, lock=None, **sources):
        config = configured(**sources)
        with open_client(network.base_url, config.sources.network) as client:
            fetcher = Fetcher(client, config.sources.network, lambda seconds: None)
            made = MirrorCopy(tmp_path / "mirror", tmp_path / "cache")
            try:
                spec = spec_of(config.sources, unit)
                return made.add(unit, spec, fetcher, lock, Path("my.lock.yaml"))
            finally:
                made.close()

    return run


@pytest.fixture
def run_download(configured, make_context):
    """Runs the stage `download` with a mirror; returns its file and its counts."""

    def run(unit, mirror, **sources):
        config = configured(mirror=str(mirror), **sources)
        context = make_context(DOWNLOAD.slice(config, unit), unit, f"from {Path(mirror).name}")
        result = download(context, (str(mirror),))
        (file,) = (one for one in context.out.iterdir() if one.is_file())
        return file.read_bytes(), result.sources

    return run


@pytest.mark.parametrize(
    ("unit", "sources"), [("plain.en", {}), ("wikipedia.sw", {}), ("wikipedia.sw", HEAD)]
)
def test_a_run_from_the_mirror_has_the_bytes_of_a_run_from_the_network(
    network, copy, run_download, tmp_path, unit, sources
):
    expected = run_download(unit, network.base_url, **sources)
    assert copy(unit, **sources).is_new
    network.files.clear()
    assert run_download(unit, tmp_path / "mirror", **sources) == expected
    assert not (tmp_path / "mirror" / ".partial").exists()


def test_a_second_copy_asks_the_network_for_nothing(network, copy, tmp_path):
    first = [copy("plain.en"), copy("wikipedia.sw", **HEAD)]
    network.requests.clear()
    second = [copy("plain.en"), copy("wikipedia.sw", **HEAD)]
    assert not network.requests
    assert [one.is_new for one in second] == [False, False]
    assert [one.size_bytes for one in first] == [one.size_bytes for one in second]
    assert read_lock(tmp_path / "mirror" / RECORD).downloads.keys() == {"plain.en", "wikipedia.sw"}


def test_a_longer_head_replaces_a_shorter_one_but_not_the_reverse(copy, tmp_path):
    path = tmp_path / "mirror" / DUMP
    copy("wikipedia.sw", **HEAD)
    assert path.stat().st_size == 10_001
    assert copy("wikipedia.sw", wikipedia={"head_bytes": 12_000}).is_new
    assert path.stat().st_size == 12_001
    assert not copy("wikipedia.sw", **HEAD).is_new
    assert copy("wikipedia.sw").is_new
    assert not copy("wikipedia.sw", **HEAD).is_new
    assert path.stat().st_size > 12_001


def test_a_broken_transfer_continues(network, copy, tmp_path):
    file = network.files[f"/{DUMP}"]
    file.hangs_up_after = [4000, 3000]
    with pytest.raises(ServerError):
        copy("wikipedia.sw")
    assert not (tmp_path / "mirror" / DUMP).exists()
    network.requests.clear()
    copy("wikipedia.sw")
    (started,) = (headers["range"] for path, headers in network.requests if path == f"/{DUMP}")
    assert started == "bytes=7000-"
    assert (tmp_path / "mirror" / DUMP).read_bytes() == file.content


def test_a_file_of_the_user_is_checked_and_kept(network, copy, tmp_path):
    path = tmp_path / "mirror" / DUMP
    path.parent.mkdir(parents=True)
    path.write_bytes(network.files[f"/{DUMP}"].content)
    assert not copy("wikipedia.sw", **HEAD).is_new
    assert json.loads((path.parent / "dumpstatus.json").read_text())["jobs"]
    assert f"/{DUMP}" not in {path for path, _ in network.requests}


def test_another_file_of_the_user_is_refused_and_kept(copy, tmp_path):
    mirror = tmp_path / "mirror"
    for name, content in ((DUMP, b"BZh9 something else"), (TEXT, b"<html>login</html>")):
        (mirror / name).parent.mkdir(parents=True, exist_ok=True)
        (mirror / name).write_bytes(content)
    with pytest.raises(ChecksumError, match="move this file out of the mirror"):
        copy("wikipedia.sw")
    with pytest.raises(SourceError, match="web page"):
        copy("plain.en")
    assert (mirror / DUMP).read_bytes() == b"BZh9 something else"
    assert (mirror / TEXT).read_bytes() == b"<html>login</html>"


def test_a_removed_or_changed_file_is_copied_again(network, copy, tmp_path):
    path = tmp_path / "mirror" / TEXT
    copy("plain.en")
    path.unlink()
    assert copy("plain.en").is_new
    path.write_bytes(b"cut")
    assert copy("plain.en").is_new
    assert path.read_bytes() == network.files[f"/{TEXT}"].content


def test_the_lock_of_the_profile_applies(copy, tmp_path):
    entry = {"url": f"https://{TEXT}", "size_bytes": 5, "sha256": "0" * 64, "date": "2026-11-01"}
    lock = SourcesLock(downloads={"plain.en": LockedFile(**entry)})
    with pytest.raises(ChecksumError, match=r"remove plain\.en from my\.lock\.yaml"):
        copy("plain.en", lock)
    assert not (tmp_path / "mirror" / TEXT).exists()


def test_a_file_in_place_of_the_mirror_is_one_line(copy, tmp_path):
    (tmp_path / "mirror").write_text("")
    with pytest.raises(ConfigError, match="mirror is not a folder; name a folder for the mirror"):
        copy("plain.en")
