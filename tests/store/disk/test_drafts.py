"""Drafts of atomic writes: writers do not disturb each other, and leftovers are recognised."""

import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.store.conftest import Publish
from xlm.store.disk.filesystem import is_draft, new_draft, remove_drafts, write_atomically
from xlm.store.store import ArtifactStore

FILES, KEY = {"train.00001.txt": "a\n"}, "k" * 24


def test_writers_with_the_same_process_id_do_not_disturb_each_other(tmp_path: Path) -> None:
    """As in two pods; here they are threads. One removed the draft of the other."""
    target, texts = tmp_path / "record.json", [bytes([number]) * 100_000 for number in range(8)]

    def write(text: bytes) -> None:
        for _ in range(50):
            write_atomically(target, text)

    with ThreadPoolExecutor(len(texts)) as threads:
        list(threads.map(write, texts))
    assert target.read_bytes() in texts
    assert list(tmp_path.iterdir()) == [target]


def test_a_draft_that_exists_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, tokens = tmp_path / "a", iter(["0" * 8, "1" * 8, "2" * 8])
    monkeypatch.setattr(secrets, "token_hex", lambda count: next(tokens))
    (tmp_path / f".a.{'0' * 8}.part").write_text("theirs")
    (tmp_path / f".a.{'1' * 8}.part").symlink_to(tmp_path / "away")
    write_atomically(target, b"ours")
    assert target.read_bytes() == b"ours"
    assert (tmp_path / f".a.{'0' * 8}.part").read_text() == "theirs"
    assert not (tmp_path / "away").exists()


@pytest.mark.parametrize("mode", [0o600, 0o666])
def test_the_mode_is_that_of_a_new_file(tmp_path: Path, mode: int) -> None:
    mask = os.umask(0o027)
    try:
        write_atomically(tmp_path / "a", b"", mode=mode)
    finally:
        os.umask(mask)
    assert (tmp_path / "a").stat().st_mode & 0o777 == mode & ~0o027


def test_drafts_are_recognised_by_their_names(tmp_path: Path) -> None:
    stream, draft = new_draft(tmp_path / "..odd name.json.4711")
    stream.close()
    assert is_draft(draft.name)
    # Of earlier versions.
    assert is_draft(".manifest.json.4711.part")
    for name in ("a.part", ".a.part", "a.json.4711.part", ".a.xyz.part", ".a.4711.part.json", "."):
        assert not is_draft(name), name
    (tmp_path / "deep").mkdir()
    for name in (".a.17.part", "deep/.b.0123abcd.part"):
        (tmp_path / name).touch()
    (tmp_path / "c.part").touch()
    remove_drafts(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["c.part", "deep"]


@pytest.mark.parametrize("name", [".train.00001.txt.17.part", "logs/.curves.md.0123abcd.part"])
def test_a_draft_of_a_killed_job_is_not_published(
    store: ArtifactStore, publish: Publish, name: str
) -> None:
    """It would change the digest of the artifact."""
    expected = publish(FILES).manifest.digest
    staging = store.open_staging("tokenize", KEY)
    (staging.out / name).write_text("half of")
    artifact = publish(FILES)
    assert artifact.manifest.digest == expected
    assert not [one.path for one in artifact.manifest.all_files if one.path.endswith(".part")]
