"""Trust on first use: a source without checksums must keep sending its first version."""

import json
import os
from dataclasses import replace

import pytest

from xlm.config.pipeline import PipelineConfig
from xlm.corpus.http.verification.pins import PinFile
from xlm.corpus.sources.download import download
from xlm.errors import ChecksumError, StoreError
from xlm.stages.data.download import DOWNLOAD

URL = "https://host.example/corpus/plain.en.txt"
TEXT = b"One sentence.\nAnother one.\n"


@pytest.fixture
def fetch(make_context, tmp_path):
    def run(mirror, name):
        plain = {
            "kind": "plain",
            "name": "plain",
            "title": "Plain",
            "english": URL,
            "other": "https://host.example/corpus/plain.{code}.txt",
            "licence": "CC0",
        }
        network = {"attempts": 1, "timeout_seconds": 10}
        sources = {"parallel": [plain], "mirror": mirror, "network": network}
        config = PipelineConfig(languages=("en", "sw"), sources=sources)
        context = make_context(DOWNLOAD.slice(config, "plain.en"), "plain.en", name)
        context = replace(context, pins=tmp_path / "pins")
        result = download(context, (mirror,))
        return (context.out / "plain.en.txt").read_bytes(), result

    return run


def test_a_difference_names_both_versions_and_the_pin_to_delete(server, new_file, fetch, tmp_path):
    path = "/host.example/corpus/plain.en.txt"
    server.files[path] = new_file(TEXT)
    _, result = fetch(server.base_url, "first")
    (pin,) = (tmp_path / "pins").rglob("*.json")
    assert pin.parent.name == "host.example"
    recorded = json.loads(pin.read_bytes())
    first = result.sources[0].sha256
    assert (recorded["address"], recorded["sha256"]) == (URL, first)
    assert fetch(server.base_url, "again")[0] == TEXT

    server.files[path] = new_file(TEXT.replace(b"One", b"Ein"))
    with pytest.raises(ChecksumError) as caught:
        fetch(server.base_url, "changed")
    message = str(caught.value)
    assert "\n" not in message
    assert first in message
    assert "27 bytes" in message
    assert str(pin) in caught.value.fix
    assert not list((tmp_path / "changed" / "out").iterdir())

    pin.unlink()
    assert fetch(server.base_url, "accepted")[0].startswith(b"Ein")
    assert json.loads(pin.read_bytes())["sha256"] != first


def test_a_refused_download_is_not_pinned(server, new_file, fetch, tmp_path):
    server.files["/host.example/corpus/plain.en.txt"] = new_file(b"<html>no</html>")
    with pytest.raises(Exception, match="web page"):
        fetch(server.base_url, "page")
    assert not (tmp_path / "pins").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"[" * 9999, b'{"sha256": "x", "size_bytes": 1}',
     b'{"sha256": 5, "size_bytes": 1, "first_seen": ""}', b"\xff"],
)  # fmt: skip
def test_an_invalid_pin_is_one_line(server, new_file, fetch, tmp_path, content):
    server.files["/host.example/corpus/plain.en.txt"] = new_file(TEXT)
    fetch(server.base_url, "first")
    (pin,) = (tmp_path / "pins").rglob("*.json")
    pin.write_bytes(content)
    with pytest.raises(StoreError, match="delete it to trust"):
        fetch(server.base_url, "again")


@pytest.mark.slow
@pytest.mark.parametrize("odd", ["FIFO", "dangling link", "link to its like", "directory"])
def test_an_odd_file_instead_of_a_pin_is_one_line(server, new_file, fetch, tmp_path, odd):
    """Reading a FIFO would block; a link could point to a file of another user."""
    server.files["/host.example/corpus/plain.en.txt"] = new_file(TEXT)
    fetch(server.base_url, "first")
    (pin,) = (tmp_path / "pins").rglob("*.json")
    pin.rename(tmp_path / "elsewhere")
    if odd == "FIFO":
        os.mkfifo(pin)
    elif odd == "directory":
        pin.mkdir()
    else:
        pin.symlink_to(tmp_path / ("elsewhere" if "like" in odd else "nowhere"))
    with pytest.raises(StoreError, match="delete it to trust"):
        fetch(server.base_url, "again")
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_may_change(fetch, tmp_path):
    """The user changes its files on purpose (docs/how-to/mirrors-and-passwords.md)."""
    file = tmp_path / "mirror" / "host.example" / "corpus" / "plain.en.txt"
    file.parent.mkdir(parents=True)
    for number in range(2):
        file.write_bytes(TEXT * (number + 1))
        assert fetch(str(tmp_path / "mirror"), str(number))[0] == TEXT * (number + 1)


def test_a_pin_contains_no_secret_and_ignores_the_signature(tmp_path):
    paths = {
        PinFile.of(tmp_path, f"https://u:pw@h/a.zip?X-Amz-Signature={tag}", mirrored=False).path
        for tag in ("one", "two")
    }
    assert len(paths) == 1
    assert "pw" not in str(paths)
