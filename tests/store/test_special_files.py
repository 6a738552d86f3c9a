"""Links, special files and untracked files anywhere in the store: never followed, replaced."""

import json
import os
import stat
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import typer

from tests.store.conftest import Publish
from xlm.cli.store.listing import list_artifacts, verify_artifacts
from xlm.errors import StoreError
from xlm.processes.programs import run_process
from xlm.store.disk.filesystem import make_real_directory, write_atomically
from xlm.store.disk.locks import build_lock
from xlm.store.file_jobs import remove_unfinished
from xlm.store.integrity.verdicts import read_verdicts
from xlm.store.integrity.verification import verify_store
from xlm.store.manifest import MANIFEST_NAME, listed_files
from xlm.store.references import Reference, References
from xlm.store.store import ArtifactStore

KEY = "k" * 24
FILES = {"train.00000.txt": "habari\n", "deep/er.txt": "dunia\n"}


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A folder outside the store, with a file that must survive."""
    folder = tmp_path / "foreign"
    folder.mkdir()
    (folder / "precious.txt").write_text("precious")
    return folder


REPLACEMENTS: dict[str, Callable[[Path, Path], object]] = {
    "link": lambda path, foreign: path.symlink_to(foreign),
    "link to a file": lambda path, foreign: path.symlink_to(foreign / "precious.txt"),
    "dangling link": lambda path, foreign: path.symlink_to("/nowhere/at/all"),
    "FIFO": lambda path, foreign: os.mkfifo(path),
    "socket": lambda path, foreign: os.mknod(path, stat.S_IFSOCK | 0o600),
    "file": lambda path, foreign: path.write_bytes(b"odd"),
    "directory": lambda path, foreign: (path / "in").mkdir(parents=True),
}
replacements = pytest.mark.parametrize("kind", REPLACEMENTS)


def _replace(kind: str, path: Path, foreign: Path) -> None:
    if path.is_dir():
        path.rename(foreign.parent / "aside")
    else:
        path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    REPLACEMENTS[kind](path, foreign)


@pytest.fixture(autouse=True)
def _precious_survives(foreign: Path) -> object:
    yield
    assert [path.name for path in foreign.iterdir()] == ["precious.txt"]
    assert (foreign / "precious.txt").read_text() == "precious"


@pytest.mark.slow
@replacements
@pytest.mark.parametrize("name", ["train.00000.txt", "deep", "deep/er.txt", MANIFEST_NAME, "."])
def test_anything_instead_of_a_file_is_damage_and_is_replaced(
    store: ArtifactStore, publish: Publish, foreign: Path, kind: str, name: str
) -> None:
    """A FIFO as manifest once blocked the check, and a dangling link failed every run."""
    directory = publish(FILES).directory
    _replace(kind, directory if name == "." else directory / name, foreign)
    for verify in ("fast", "deep"):
        assert store.find("tokenize", KEY, verify) is None  # type: ignore[arg-type]
    assert [found.key for found in verify_store(store, "fast").damaged] == [KEY]
    publish(FILES)
    assert store.find("tokenize", KEY, "deep") is not None
    assert not verify_store(store, "deep").untracked_files


@replacements
@pytest.mark.parametrize("place", ["", "tokenize", f"tokenize/{KEY}", f"tokenize/{KEY}/out"])
def test_links_in_staging_are_not_followed(
    store: ArtifactStore, publish: Publish, foreign: Path, kind: str, place: str
) -> None:
    """A link instead of `out` once led to another folder, and its files were removed."""
    _replace(kind, store.root / "staging" / place, foreign)
    staging = store.open_staging("tokenize", KEY)
    remove_unfinished(staging.scratch / "records", staging.out)
    publish(FILES)
    assert store.find("tokenize", KEY, "deep") is not None


@replacements
@pytest.mark.parametrize("place", ["scratch", "scratch/sample.txt", "out/logs", "out/train.txt"])
def test_a_stage_does_not_write_through_links(
    store: ArtifactStore, foreign: Path, kind: str, place: str
) -> None:
    staging = store.open_staging("tokenize", KEY)
    _replace(kind, staging.base / place, foreign)
    again = store.open_staging("tokenize", KEY)
    remove_unfinished(again.scratch / "records", again.out)
    assert not any(path.is_symlink() for path in again.base.rglob("*"))
    assert again.scratch.is_dir()
    assert again.logs.is_dir()


@pytest.mark.slow
@replacements
@pytest.mark.parametrize("suffix", ["current", "checks", "damaged"])
def test_side_files_may_be_replaced_by_anything(
    store: ArtifactStore, publish: Publish, foreign: Path, kind: str, suffix: str
) -> None:
    publish(FILES)
    _replace(kind, store.root / "artifacts" / "tokenize" / f"{KEY}.{suffix}", foreign)
    assert store.find("tokenize", KEY) is not None
    publish(FILES)
    publish(FILES | {"train.00000.txt": "HABARI\n"})
    assert store.find("tokenize", KEY, "deep") is not None
    assert isinstance(read_verdicts(store.checks_path("tokenize", KEY)), list)
    assert verify_store(store, "deep").checked == 1


@replacements
@pytest.mark.parametrize("place", ["locks", f"locks/tokenize.{KEY}.lock"])
def test_a_lock_is_a_regular_file(
    store: ArtifactStore, foreign: Path, kind: str, place: str
) -> None:
    _replace(kind, store.root / place, foreign)
    with store.lock("tokenize", KEY) as waited:
        assert not waited
    with build_lock(store.root / "locks", f"tokenize.{KEY}") as waited:
        assert not waited


@replacements
@pytest.mark.parametrize("place", ["", "sample", "sample/tokenize", "sample/tokenize/sw.json"])
def test_a_reference_is_a_regular_file(
    store: ArtifactStore, foreign: Path, kind: str, place: str
) -> None:
    reference = Reference(KEY, "d", {"code_version": 1, "config": {}, "tools": {}, "upstream": {}})
    _replace(kind, store.root / "references" / place, foreign)
    references = References(store.root)
    assert references.last("sample", "tokenize", "sw") is None
    references.record("sample", "tokenize", "sw", reference)
    assert references.last("sample", "tokenize", "sw") == reference


@pytest.mark.slow
@replacements
def test_a_log_is_a_regular_file(tmp_path: Path, foreign: Path, kind: str) -> None:
    log = tmp_path / "server.log"
    _replace(kind, log, foreign)
    run_process([sys.executable, "-c", "print('output')"], log_path=log)
    assert log.read_bytes() in (b"output\n", b"oddoutput\n")


def test_threads_can_create_the_same_directory(tmp_path: Path) -> None:
    together = threading.Barrier(8)

    def make(number: int) -> None:
        for turn in range(40):
            together.wait(60)
            place = make_real_directory(tmp_path, f"{turn}", "tokenize")
            (place / f"{number}").write_text("mine")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(make, range(8)))
    names = [sorted(file.name for file in place.iterdir()) for place in tmp_path.glob("*/tokenize")]
    assert names == [[*"01234567"]] * 40


@pytest.mark.parametrize("place", ["artifacts", "artifacts/tokenize"])
def test_a_link_instead_of_the_artifacts_folder_is_refused(
    store: ArtifactStore, publish: Publish, foreign: Path, place: str
) -> None:
    """It may lead to valid artifacts, so the link is neither removed nor followed."""
    _replace("link", store.root / place, foreign)
    with pytest.raises(
        StoreError, match=rf"{place} is a link or a file, not a directory of the store"
    ):
        publish(FILES)


@pytest.mark.parametrize("place", ["artifacts", "artifacts/tokenize"])
def test_artifacts_behind_a_link_are_not_served(
    store: ArtifactStore, publish: Publish, tmp_path: Path, place: str
) -> None:
    publish(FILES)
    away = tmp_path / "away"
    (store.root / place).rename(away)
    (store.root / place).symlink_to(away)
    assert store.find("tokenize", KEY) is None
    assert "contains a symbolic link" in (store.damage("tokenize", KEY) or "")


def test_a_link_next_to_the_stages_is_skipped(
    store: ArtifactStore, publish: Publish, foreign: Path
) -> None:
    publish(FILES)
    (store.root / "artifacts" / "elsewhere").symlink_to(foreign.parent)
    report = verify_store(store, "deep")
    assert (report.checked, report.damaged) == (1, [])


@replacements
def test_an_atomic_write_follows_no_link(tmp_path: Path, foreign: Path, kind: str) -> None:
    target = tmp_path / "record.json"
    _replace(kind, target, foreign)
    write_atomically(target, b"ours")
    assert target.read_bytes() == b"ours"
    assert not target.is_symlink()


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *((kind, "train.00001.txt") for kind in REPLACEMENTS),
        *(("file", name) for name in ("deep/more.txt", "logs/x", "a\nb", "ä")),
    ],
)
def test_an_untracked_file_is_not_read_but_reported_and_moved(
    store: ArtifactStore, publish: Publish, foreign: Path, kind: str, name: str
) -> None:
    """The next stage once read `train.00001.txt`, and the deep check did not report it."""
    directory = publish(FILES).directory
    _replace(kind, directory / name, foreign)
    assert [path.name for path in listed_files(directory, "*.txt")] == ["train.00000.txt"]
    assert [path.name for path in listed_files(directory, "*/*.txt")] == ["er.txt"]
    found = verify_store(store, "fast")
    assert [untracked.path for untracked in found.untracked_files] == [name]
    assert not found.damaged
    artifact = store.find("tokenize", KEY)
    assert artifact is not None
    assert not verify_store(store, "deep").untracked_files
    kept = list((store.root / "untracked" / "tokenize" / KEY).iterdir())
    assert [path.name for path in kept] == [f"0.{Path(name).name}"]


def test_an_untracked_file_may_have_an_undecodable_name(
    store: ArtifactStore, publish: Publish
) -> None:
    directory = publish(FILES).directory
    Path(os.fsdecode(os.fsencode(directory) + b"/\xff.txt")).write_text("")
    (untracked,) = verify_store(store, "fast").untracked_files
    json.dumps(untracked.path).encode()
    assert store.find("tokenize", KEY) is not None
    assert not verify_store(store, "fast").untracked_files


def test_a_directory_without_a_manifest_lists_its_regular_files(
    tmp_path: Path, foreign: Path
) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "a.txt").write_text("")
    (folder / "b.txt").symlink_to(foreign / "precious.txt")
    assert listed_files(folder, "*.txt") == [folder / "a.txt"]


@pytest.mark.parametrize("twin", ["\u00e9t.txt", "e\u0301t.txt"])
def test_names_that_differ_only_in_unicode_form_are_refused(publish: Publish, twin: str) -> None:
    assert publish({twin: "x"}).manifest.files[0].path == twin
    with pytest.raises(StoreError, match="that some file systems confuse with another one"):
        publish({"\u00e9t.txt": "x", "e\u0301t.txt": "y"}, key="t" * 24)


def test_empty_directories_are_not_published(store: ArtifactStore, publish: Publish) -> None:
    (store.open_staging("tokenize", KEY).out / "empty" / "er").mkdir(parents=True)
    directory = publish(FILES).directory
    assert sorted(path.name for path in directory.iterdir() if path.is_dir()) == ["deep"]


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[2Jb", "a\udcffb", "a\u202eb"])
def test_unprintable_names_are_shown_on_one_line(
    store: ArtifactStore, publish: Publish, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """A folder of a stage and a file in an artifact."""
    artifact = publish(FILES)
    (artifact.directory.parent / name).mkdir()
    (artifact.directory / name).write_bytes(b"odd")
    list_artifacts(None, str(store.root), as_json=False)
    assert len(capsys.readouterr().out.split("\n")) == 3
    with pytest.raises(typer.Exit):
        verify_artifacts("deep", str(store.root), as_json=False)
    printed = capsys.readouterr().out
    assert len(printed.split("\n")) == 5
    assert printed.replace("\n", "").isprintable()
