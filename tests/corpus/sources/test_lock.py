"""The lock: the bytes of each download are fixed, whatever the server or the store has."""

import hashlib
from dataclasses import replace

import pytest

from xlm.corpus.sources.download import download
from xlm.corpus.sources.lock import (
    LockedFile,
    SourcesLock,
    changed_since_lock,
    read_lock,
    write_lock,
)
from xlm.errors import ChecksumError, ConfigError
from xlm.stages.data.download import DOWNLOAD

TEXT_URL = "https://host.example/corpus/plain.en.txt"
TEXT_PATH = "/host.example/corpus/plain.en.txt"
DUMP = "dumps.wikimedia.org/swwiki/20261101/swwiki-20261101-pages-articles-multistream.xml.bz2"
ENTRY = {"url": TEXT_URL, "size_bytes": 5, "sha256": "0" * 64, "date": "2026-11-01"}


@pytest.fixture
def fetch(network, configured, make_context, tmp_path):
    """Downloads a unit with a lock; returns the result and the file."""

    def run(unit, lock=None, name="work", **sources):
        path = tmp_path / "my.lock.yaml"
        if lock is not None:
            write_lock(path, SourcesLock(downloads=lock), "A lock.")
            sources["lock"] = str(path)
        config = configured(mirror=network.base_url, **sources)
        context = make_context(DOWNLOAD.slice(config, unit), unit, name)
        context = replace(context, pins=tmp_path / "pins")
        result = download(context, (network.base_url,))
        (file,) = (one for one in context.out.iterdir() if one.is_file())
        return result, file

    return run


def _entry(result, **changes):
    (source,) = result.sources
    fields = {"url": source.url, "size_bytes": source.size_bytes, "sha256": source.sha256}
    return LockedFile(**{**fields, "date": "2026-11-01", **changes})


@pytest.mark.parametrize(
    ("unit", "sources", "first_bytes"),
    [
        ("plain.en", {}, None),
        ("wikipedia.sw", {}, None),
        ("wikipedia.sw", {"wikipedia": {"head_bytes": 10_000}}, 10_000),
    ],
)
def test_other_bytes_than_locked_are_refused_with_both_versions(
    fetch, unit, sources, first_bytes, tmp_path
):
    result, file = fetch(unit, **sources)
    entry = _entry(result, first_bytes=first_bytes)
    same, _ = fetch(unit, {unit: entry}, "same", **sources)
    assert same.sources == result.sources
    assert not same.warnings
    other = entry.model_copy(update={"sha256": "ab" * 32, "size_bytes": 77})
    with pytest.raises(ChecksumError) as caught:
        fetch(unit, {unit: other}, "other", **sources)
    message = str(caught.value)
    assert "\n" not in message
    assert hashlib.sha256(file.read_bytes()).hexdigest() in message
    assert "on 2026-11-01 it was " + "ab" * 32 + " (77 bytes)" in message
    assert f"remove {unit} from {tmp_path / 'my.lock.yaml'}" in message


def test_a_lock_is_stronger_than_the_record_of_the_first_download(fetch, network, new_file):
    fetch("plain.en")
    network.files[TEXT_PATH] = new_file(b"Ein Satz.\n")
    with pytest.raises(ChecksumError, match="pins"):
        fetch("plain.en", name="refused")
    content = network.files[TEXT_PATH].content
    digest = hashlib.sha256(content).hexdigest()
    lock = {"x": LockedFile(**{**ENTRY, "size_bytes": len(content), "sha256": digest})}
    _, file = fetch("plain.en", lock, "locked")
    assert file.read_bytes() == content


def test_a_refused_download_is_not_recorded_as_the_first(fetch, tmp_path):
    with pytest.raises(ChecksumError):
        fetch("plain.en", {"plain.en": LockedFile(**ENTRY)})
    assert not (tmp_path / "pins").exists()


def test_a_download_that_is_not_in_the_lock_is_a_warning(fetch):
    result, _ = fetch("plain.en", {})
    (warning,) = result.warnings
    assert warning.endswith(
        f"my.lock.yaml does not list {TEXT_URL}; add it with `xlm sources lock`"
    )
    # The head of a dump is another download than the dump.
    whole, _ = fetch("wikipedia.sw", name="whole")
    head, _ = fetch(
        "wikipedia.sw", {"wikipedia.sw": _entry(whole)}, "head", wikipedia={"head_bytes": 10_000}
    )
    assert DUMP in head.warnings[0]


def test_a_stored_file_that_differs_from_the_lock_is_out_of_date(tmp_path, configured):
    path = tmp_path / "my.lock.yaml"
    write_lock(path, SourcesLock(downloads={"a": LockedFile(**ENTRY)}), "A lock.")
    source = {"address": TEXT_URL, "sha256": "1" * 64}
    manifest = {"sources": [source], "config": {"source": {}}, "counts": {}}
    reason = changed_since_lock(path, manifest)
    assert reason == f"my.lock.yaml has sha256 {'0' * 64}, the stored file {'1' * 64}"
    config = DOWNLOAD.slice(configured(lock=str(path)), "plain.en")
    assert DOWNLOAD.stale(config, manifest) == reason
    source["sha256"] = "0" * 64
    assert changed_since_lock(path, manifest) is None
    assert changed_since_lock(path, {**manifest, "sources": [{**source, "address": "x"}]}) is None


def test_a_lock_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "my.lock.yaml"
    lock = SourcesLock(downloads={"a": LockedFile(**ENTRY, first_bytes=7)})
    write_lock(path, lock, "One line.\nAnother one.")
    assert path.read_text().startswith(
        "# One line.\n# Another one.\nversion: 1\ndownloads:\n  a:\n"
    )
    assert read_lock(path) == lock
    write_lock(path, SourcesLock(), "Nothing.")
    assert read_lock(path) == SourcesLock()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("downloads: {a: {url: x}}", r"my.lock.yaml: downloads.a.size_bytes: Field required"),
        ("version: 2", r"version: Input should be 1"),
        ("", "the file: Input should be"),
        ("[a]", "the file: Input should be"),
        ("downloads: [", "is not valid YAML"),
        ("downloads: {a: {url: x, size_bytes: -1, sha256: y, date: z}}", "size_bytes"),
        (None, "cannot be read: No such file"),
    ],
)
def test_an_invalid_lock_is_refused_before_the_first_download(tmp_path, configured, text, message):
    path = tmp_path / "my.lock.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        DOWNLOAD.require(configured(lock=str(path)))
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
