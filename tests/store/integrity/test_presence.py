"""Optional files of artifacts and of user folders: untracked files change nothing."""

import json
import os
import shutil
from pathlib import Path

import httpx
import pytest

from tests.model.formats.portable_models import WORDS, small_model, small_vocabulary
from tests.release.artifacts import write_manifest
from xlm.bpe.vocabulary import write_vocabulary
from xlm.cli.convert import convert_model
from xlm.config.data.sources import NetworkConfig
from xlm.corpus.http.client import open_client
from xlm.errors import DataError, StoreError
from xlm.model.formats.hugging_face.folder import write_hugging_face
from xlm.model.formats.hugging_face.vocab_json import write_vocab_json
from xlm.model.formats.ours import save_weights
from xlm.model.formats.source_files import identity_of, kind_of
from xlm.model.formats.sources import read_model
from xlm.release.fertility import read_report
from xlm.store.integrity.presence import files_of_stage, is_present


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    return tmp_path / "root" / "artifacts"


def _artifact(artifacts: Path, stage: str, key: str = "key") -> Path:
    folder = artifacts / stage / key
    folder.mkdir(parents=True)
    return folder


def _pretrained(artifacts: Path) -> Path:
    folder, model = _artifact(artifacts, "pretrain"), small_model()
    save_weights(folder, model.description, model.weights)
    write_manifest(folder, "pretrain")
    return folder


def _published(artifacts: Path) -> Path:
    """The masked-lm folder of a publish artifact; the manifest is in its parent."""
    home, model = _artifact(artifacts, "publish"), small_model()
    assert model.vocabulary is not None
    write_hugging_face(home / "masked-lm", model)
    write_vocab_json(home / "masked-lm", model.vocabulary.tokens)
    write_manifest(home, "publish")
    return home / "masked-lm"


def test_an_untracked_vocabulary_in_a_model_artifact_is_not_read(artifacts: Path) -> None:
    folder = _pretrained(artifacts)
    before = identity_of(folder)
    write_vocabulary(small_vocabulary(("z",)), folder)
    assert read_model(folder).vocabulary is None
    assert identity_of(folder) == before
    folder.rename(artifacts.parent / "given")  # in a user's folder, all files count
    with pytest.raises(DataError, match="the model was trained with"):
        read_model(artifacts.parent / "given")


@pytest.mark.parametrize("name", ["vocabulary.json", "added_tokens.json", "tokenizer_config.json"])
def test_untracked_files_in_a_published_model_are_not_read(artifacts: Path, name: str) -> None:
    folder = _published(artifacts)
    before, tokens = identity_of(folder), read_model(folder).vocabulary
    (folder / name).write_text('{"<new>": 99, "added_tokens_decoder": {"99": {"content": "<x>"}}}')
    assert (identity_of(folder), read_model(folder).vocabulary) == (before, tokens)


def test_untracked_weights_do_not_replace_listed_ones(artifacts: Path) -> None:
    folder = _published(artifacts)
    (folder / "model.safetensors").rename(folder / "other")
    os.link(folder / "other", folder / "pytorch_model.bin")
    with pytest.raises(DataError, match=r"contains neither model\.safetensors"):
        identity_of(folder)
    (folder / "other").rename(folder / "model.safetensors")
    assert read_model(folder).weights


def test_an_untracked_folder_is_not_suggested_as_a_model(artifacts: Path) -> None:
    home = _published(artifacts).parent
    (home / "untracked").mkdir()
    (home / "untracked" / "config.json").write_text("{}")
    with pytest.raises(DataError, match="is not a model, but contains masked-lm;"):
        kind_of(home)


@pytest.mark.parametrize("neighbour", ["untracked", "FIFO", "damaged", "no manifest", "other hash"])
def test_invalid_neighbours_do_not_hide_the_vocabulary_of_a_model(
    artifacts: Path, neighbour: str
) -> None:
    folder, ours = _pretrained(artifacts), small_vocabulary(WORDS)
    home = _artifact(artifacts, "vocabulary", "z")
    write_vocabulary(ours, home)
    write_manifest(home, "vocabulary")
    first = _artifact(artifacts, "vocabulary", "a")
    if neighbour in ("damaged", "other hash"):
        text = json.dumps({"hash": ours.hash, "tokens": ["x"], "counts": [1], "codes_hash": ""})
        (first / "vocabulary.json").write_text(text if neighbour == "other hash" else "{")
        write_manifest(first, "vocabulary")
    else:
        if neighbour != "no manifest":
            write_manifest(first, "vocabulary")
        if neighbour == "FIFO":
            os.mkfifo(first / "vocabulary.json")
        else:
            (first / "vocabulary.json").write_text("[]")
    assert read_model(folder).vocabulary == ours


def test_untracked_codes_are_not_converted(artifacts: Path, tmp_path: Path) -> None:
    folder = _pretrained(artifacts)
    home = _artifact(artifacts, "vocabulary")
    write_vocabulary(small_vocabulary(WORDS), home)
    write_manifest(home, "vocabulary")
    (folder / "codes").write_bytes(b"t h 5\n")
    convert_model(folder, tmp_path / "out", "hugging-face", None, None)
    assert not (tmp_path / "out" / "merges.txt").exists()


def test_a_mirror_serves_only_files_in_the_manifest(artifacts: Path) -> None:
    home = _artifact(artifacts, "make-world")
    wiki = home / "mirror" / "host.example" / "wiki"
    (wiki / "20261101").mkdir(parents=True)
    (wiki / "20261101" / "dump.xml").write_text("<mediawiki/>")
    write_manifest(home, "make-world")
    (wiki / "20261201").mkdir()
    (wiki / "20261201" / "dump.xml").write_text("untracked")
    (wiki / "20261101" / "untracked").write_text("untracked")
    (wiki / "zzz").symlink_to("/etc")
    with open_client(mirror=str(home / "mirror"), network=NetworkConfig()) as client:

        def get(path: str) -> httpx.Response:
            return client.get(f"https://host.example/wiki/{path}")

        assert get("").text == '<a href="20261101/">\n'
        assert get("20261101/").text == '<a href="dump.xml">\n'
        assert get("20261101/dump.xml").text == "<mediawiki/>"
        for path in ("20261101/untracked", "20261201/dump.xml", "zzz/hostname"):
            assert get(path).status_code == 404


def test_an_untracked_report_is_not_shown(artifacts: Path) -> None:
    folder = _artifact(artifacts, "vocabulary")
    write_manifest(folder, "vocabulary")
    (folder / "report.json").write_text("damaged")
    assert read_report(folder) == {}


def test_a_listed_file_that_became_a_link_is_not_present(artifacts: Path, tmp_path: Path) -> None:
    folder = _artifact(artifacts, "vocabulary")
    (folder / "listed").write_text("x")
    write_manifest(folder, "vocabulary")
    assert is_present(folder / "listed")
    assert not is_present(folder / "absent")
    (folder / "listed").rename(tmp_path / "elsewhere")
    (folder / "listed").symlink_to(tmp_path / "elsewhere")
    assert not is_present(folder / "listed")
    assert not list(files_of_stage(artifacts, "vocabulary", "listed"))
    (folder / "manifest.json").write_text("null")
    with pytest.raises(StoreError, match=r"manifest\.json cannot be read"):
        is_present(folder / "listed")


def test_links_count_in_user_folders(tmp_path: Path) -> None:
    """The cache of the Hugging Face Hub contains links to files."""
    (tmp_path / "blob").write_text("{}")
    (tmp_path / "config.json").symlink_to(tmp_path / "blob")
    assert is_present(tmp_path / "config.json")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_fifo_instead_of_a_model_file_does_not_block(
    artifacts: Path, tmp_path: Path, name: str
) -> None:
    for folder in (_pretrained(artifacts), tmp_path / "given"):
        if not folder.exists():
            shutil.copytree(artifacts / "pretrain" / "key", folder, ignore=lambda *_: [name])
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)
        with pytest.raises(DataError, match=f"{name} is not a regular file"):
            kind_of(folder)
